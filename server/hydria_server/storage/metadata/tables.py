"""The schema, first part: what people see. Names, versions, aliases and their history.

`migrations/` makes the schema; a test compares the two.

- Ids that history names (of entities, projects, collections, versions) are never given twice.
- Names and paths compare byte by byte on every database, so that orders and pages agree.
- States are the numbers of the domain's enumerations; times are microseconds UTC.
- Long text is at the end of its row: SQLite reads a row from the left, and only as far as needed.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
)

from hydria_server.domain.records import VersionState

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ROW_ID: Final = BigInteger().with_variant(Integer, "sqlite")
NAME: Final = String(128).with_variant(String(128, collation="C"), "postgresql")
PATH: Final = Text().with_variant(Text(collation="C"), "postgresql")
DIGEST: Final = LargeBinary(32)


def only_where(index: Index, condition: ColumnElement[bool]) -> None:
    """Make a partial index, in both dialects.

    A query uses it only if it states the condition literally: a bound value will not do.
    """
    for dialect in ("sqlite", "postgresql"):
        index.dialect_options[dialect]["where"] = condition


# The store itself: one row.
STORE = Table(
    "store",
    METADATA,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("store_id", String(32), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("digest_function", SmallInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

# Chunks and presence are confined to a domain; its key is written into every pack record.
DOMAIN = Table(
    "domain",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("key", LargeBinary(16), nullable=False),
    UniqueConstraint("key"),
    sqlite_autoincrement=True,
)

# The last event's number and time are here, so that taking the next is one row's lock (I8).
ENTITY = Table(
    "entity",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("name", NAME, nullable=False),
    Column("domain_id", ForeignKey(DOMAIN.c.id), nullable=False),
    Column("last_event_seq", BigInteger, nullable=False),
    Column("last_event_time_us", BigInteger, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    UniqueConstraint("name"),
    sqlite_autoincrement=True,
)

# Projects and registries share one namespace. A restricted project has a domain of its own.
# Only registries are ever deleted; their rows stay, for history names them.
PROJECT = Table(
    "project",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("entity_id", ForeignKey(ENTITY.c.id), nullable=False),
    Column("name", NAME, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("domain_id", ForeignKey(DOMAIN.c.id), nullable=True),
    Column("created_at_us", BigInteger, nullable=False),
    Column("deleted_at_us", BigInteger, nullable=True),
    sqlite_autoincrement=True,
)
IS_LIVE_PROJECT: Final = PROJECT.c.deleted_at_us.is_(None)
# A deleted registry's name is free at once. Also lists an entity's projects by name.
only_where(
    Index("uq_project_live_name", PROJECT.c.entity_id, PROJECT.c.name, unique=True),
    IS_LIVE_PROJECT,
)

# `next_version` outlives deletes: a number is never given twice. `version_count` counts the
# COMMITTED ones, so that reading a collection costs the same beside 10 and 10,000 versions.
COLLECTION = Table(
    "collection",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("project_id", ForeignKey(PROJECT.c.id), nullable=False),
    Column("name", NAME, nullable=False),
    Column("type", NAME, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("next_version", BigInteger, nullable=False),
    Column("version_count", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("updated_at_us", BigInteger, nullable=False),
    Column("deleted_at_us", BigInteger, nullable=True),
    Column("description", Text, nullable=False),
    sqlite_autoincrement=True,
)
IS_LIVE_COLLECTION: Final = COLLECTION.c.deleted_at_us.is_(None)
# A deleted collection's name is free at once. Also lists a project's collections by name.
LIVE_NAME = Index(
    "uq_collection_live_name", COLLECTION.c.project_id, COLLECTION.c.name, unique=True
)
only_where(LIVE_NAME, IS_LIVE_COLLECTION)

# Lists by time; also all of a project's collections, for lists of its versions.
Index(None, COLLECTION.c.project_id, COLLECTION.c.created_at_us)

# Where a name that a rename gave up leads, until it is used again.
COLLECTION_REDIRECT = Table(
    "collection_redirect",
    METADATA,
    Column("project_id", ForeignKey(PROJECT.c.id), nullable=False),
    Column("name", NAME, nullable=False),
    Column("collection_id", ForeignKey(COLLECTION.c.id), nullable=False, index=True),
    PrimaryKeyConstraint("project_id", "name"),
    sqlite_with_rowid=False,
)

COLLECTION_TAG = Table(
    "collection_tag",
    METADATA,
    Column("collection_id", ForeignKey(COLLECTION.c.id), nullable=False),
    Column("tag", NAME, nullable=False),
    PrimaryKeyConstraint("collection_id", "tag"),
    sqlite_with_rowid=False,
)

# Immutable content, mutable words. `project_id` repeats the collection's, for lists of a project;
# `metadata_bytes` is the size of its JSON, so that a page can end before it is too large.
#
# A link is a version of a portfolio that names its source, never another link. It repeats what can
# be filtered and ordered by (size, digest, tags, when it was updated), has neither shards nor words
# of its own, and is COMMITTED as long as it is there.
VERSION = Table(
    "version",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("collection_id", ForeignKey(COLLECTION.c.id), nullable=False),
    Column("project_id", ForeignKey(PROJECT.c.id), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("file_count", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("updated_at_us", BigInteger, nullable=False),
    Column("deleted_at_us", BigInteger, nullable=True),
    Column("upload_id", String(64), nullable=False),
    Column("metadata_bytes", Integer, nullable=False),
    Column("source_version_id", ForeignKey("version.id"), nullable=True),
    Column("description", Text, nullable=False),
    Column("metadata_json", Text, nullable=False),
    UniqueConstraint("collection_id", "number"),
    UniqueConstraint("collection_id", "id"),  # what an alias refers to
    sqlite_autoincrement=True,
)
IS_COMMITTED: Final = VERSION.c.state == literal_column(str(VersionState.COMMITTED.value))
# Finds equal content at commit, the highest number first (C2).
EQUAL_CONTENT = Index(
    "ix_version_equal_content", VERSION.c.collection_id, VERSION.c.digest, VERSION.c.number
)
# Finds the highest version that remains, past any number of deleted ones.
COMMITTED_NUMBER = Index("ix_version_committed_number", VERSION.c.collection_id, VERSION.c.number)
for _index in (EQUAL_CONTENT, COMMITTED_NUMBER):
    only_where(_index, IS_COMMITTED)
# The live links of a version; it is linked once to a collection, while that link is there.
IS_LIVE_LINK: Final = and_(IS_COMMITTED, VERSION.c.source_version_id.is_not(None))
LIVE_LINK = Index(
    "uq_version_live_link", VERSION.c.source_version_id, VERSION.c.collection_id, unique=True
)
only_where(LIVE_LINK, IS_LIVE_LINK)
# All that follow the words of a version, links that are gone among them.
FOLLOWER = Index("ix_version_follower", VERSION.c.source_version_id)
only_where(FOLLOWER, VERSION.c.source_version_id.is_not(None))
# Lists, newest first, of one collection and of a project.
Index(None, VERSION.c.collection_id, VERSION.c.created_at_us)
Index(None, VERSION.c.project_id, VERSION.c.created_at_us)

# `collection_id` repeats the version's: a filter by tag then looks at one collection only.
VERSION_TAG = Table(
    "version_tag",
    METADATA,
    Column("version_id", BigInteger, nullable=False),
    Column("tag", NAME, nullable=False),
    Column("collection_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("version_id", "tag"),
    ForeignKeyConstraint(["collection_id", "version_id"], [VERSION.c.collection_id, VERSION.c.id]),
    Index(None, "collection_id", "tag"),
    sqlite_with_rowid=False,
)

# The manifest of a version: chunks that hold its entries, by path.
VERSION_SHARD = Table(
    "version_shard",
    METADATA,
    Column("version_id", ForeignKey(VERSION.c.id), nullable=False),
    Column("position", Integer, nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("entry_count", BigInteger, nullable=False),
    Column("first_path", PATH, nullable=False),
    Column("last_path", PATH, nullable=False),
    PrimaryKeyConstraint("version_id", "position"),
    sqlite_with_rowid=False,
)

# I7: the key lets an alias name one version, and the foreign key one of its own collection.
ALIAS = Table(
    "alias",
    METADATA,
    Column("collection_id", BigInteger, nullable=False),
    Column("name", NAME, nullable=False),
    Column("version_id", BigInteger, nullable=False),
    Column("updated_at_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("collection_id", "name"),
    ForeignKeyConstraint(["collection_id", "version_id"], [VERSION.c.collection_id, VERSION.c.id]),
    Index(None, "version_id", "name"),  # the aliases of a version
    sqlite_with_rowid=False,
)

# Where each alias pointed and when; an open interval is where it points now.
ALIAS_INTERVAL = Table(
    "alias_interval",
    METADATA,
    Column("collection_id", ForeignKey(COLLECTION.c.id), nullable=False),
    Column("alias", NAME, nullable=False),
    Column("from_time_us", BigInteger, nullable=False),
    Column("to_time_us", BigInteger, nullable=True),
    Column("version_id", ForeignKey(VERSION.c.id), nullable=False),
    Column("actor", Text, nullable=False),
    PrimaryKeyConstraint("collection_id", "alias", "from_time_us"),
    Index(None, "collection_id", "from_time_us"),  # of all aliases, newest first
    sqlite_with_rowid=False,
)
IS_OPEN_INTERVAL: Final = ALIAS_INTERVAL.c.to_time_us.is_(None)
only_where(
    Index(
        "uq_alias_interval_open",
        ALIAS_INTERVAL.c.collection_id,
        ALIAS_INTERVAL.c.alias,
        unique=True,
    ),
    IS_OPEN_INTERVAL,
)
# Finds those that ended since some moment: for where aliases pointed just then.
CLOSED_INTERVAL = Index("ix_alias_interval_closed", ALIAS_INTERVAL.c.to_time_us)
only_where(CLOSED_INTERVAL, ALIAS_INTERVAL.c.to_time_us.is_not(None))
