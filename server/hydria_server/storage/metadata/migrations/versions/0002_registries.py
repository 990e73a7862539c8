"""Registries, and links as versions that name their source."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Frozen with this migration, whatever becomes of tables.py.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.String(length=128).with_variant(sa.String(length=128, collation="C"), "postgresql")
IS_LINK = "source_version_id IS NOT NULL"


DIGEST = sa.LargeBinary(length=32)


def upgrade() -> None:
    # SQLite cannot put a column before others, nor take a constraint away: the tables are remade.
    remade = {"sqlite_autoincrement": True}
    with op.batch_alter_table(
        "project", copy_from=_first_project(), table_kwargs=remade
    ) as project:
        project.add_column(sa.Column("deleted_at_us", sa.BigInteger(), nullable=True))
        project.drop_constraint("uq_project_entity_id_name", type_="unique")
    _partial_index(
        "uq_project_live_name", "project", ["entity_id", "name"], "deleted_at_us IS NULL", True
    )
    # Long text stays at the end of its row, which matters to SQLite alone.
    place = "description" if op.get_bind().dialect.name == "sqlite" else None
    with op.batch_alter_table(
        "version",
        recreate="always" if place else "auto",
        copy_from=_first_version(),
        table_kwargs=remade,
    ) as version:
        version.add_column(
            sa.Column("source_version_id", ROW_ID, nullable=True), insert_before=place
        )
        version.create_foreign_key(
            "fk_version_source_version_id_version", "version", ["source_version_id"], ["id"]
        )
    _partial_index(
        "uq_version_live_link",
        "version",
        ["source_version_id", "collection_id"],
        f"state = 1 AND {IS_LINK}",
        True,
    )
    _partial_index("ix_version_follower", "version", ["source_version_id"], IS_LINK, False)
    _create_tables()
    _give_every_entity_its_model_registry()


def _first_project() -> sa.Table:
    """Return the table as 0001 made it: to ask the database for it takes half as long again."""
    return sa.Table(
        "project",
        sa.MetaData(),
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("entity_id", ROW_ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name="fk_project_domain_id_domain"),
        sa.ForeignKeyConstraint(["entity_id"], ["entity.id"], name="fk_project_entity_id_entity"),
        sa.PrimaryKeyConstraint("id", name="pk_project"),
        sa.UniqueConstraint("entity_id", "name", name="uq_project_entity_id_name"),
    )


def _first_version() -> sa.Table:
    """Return the table as 0001 made it, with its indexes."""
    committed = sa.text("state = 1")
    return sa.Table(
        "version",
        sa.MetaData(),
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("collection_id", ROW_ID, nullable=False),
        sa.Column("project_id", ROW_ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("file_count", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at_us", sa.BigInteger(), nullable=True),
        sa.Column("upload_id", sa.String(length=64), nullable=False),
        sa.Column("metadata_bytes", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("metadata_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name="fk_version_collection_id_collection"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_version_project_id_project"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_version"),
        sa.UniqueConstraint("collection_id", "id", name="uq_version_collection_id_id"),
        sa.UniqueConstraint("collection_id", "number", name="uq_version_collection_id_number"),
        sa.Index("ix_version_collection_id_created_at_us", "collection_id", "created_at_us"),
        sa.Index("ix_version_committed_number", "collection_id", "number", sqlite_where=committed),
        sa.Index(
            "ix_version_equal_content",
            "collection_id",
            "digest",
            "number",
            sqlite_where=committed,
        ),
        sa.Index("ix_version_project_id_created_at_us", "project_id", "created_at_us"),
    )


def _partial_index(name: str, table: str, columns: list[str], where: str, unique: bool) -> None:
    condition = sa.text(where)
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _create_tables() -> None:
    op.create_table(
        "registry",
        sa.Column("project_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_registry_project_id_project"
        ),
        sa.PrimaryKeyConstraint("project_id", name="pk_registry"),
    )
    op.create_table(
        "registry_type",
        sa.Column("project_id", ROW_ID, nullable=False),
        sa.Column("type", NAME, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_registry_type_project_id_project"
        ),
        sa.PrimaryKeyConstraint("project_id", "type", name="pk_registry_type"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "project_redirect",
        sa.Column("entity_id", ROW_ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("project_id", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["entity_id"], ["entity.id"], name="fk_project_redirect_entity_id_entity"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_project_redirect_project_id_project"
        ),
        sa.PrimaryKeyConstraint("entity_id", "name", name="pk_project_redirect"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_project_redirect_project_id", "project_redirect", ["project_id"])


def _give_every_entity_its_model_registry() -> None:
    op.execute(
        "INSERT INTO project (entity_id, name, kind, created_at_us)"
        " SELECT id, 'model-registry', 2, created_at_us FROM entity"
    )
    op.execute(
        "INSERT INTO registry (project_id, revision, updated_at_us, description)"
        " SELECT id, 1, created_at_us, '' FROM project WHERE kind = 2"
    )
