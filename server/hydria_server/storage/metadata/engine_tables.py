"""The schema, second part: what is behind the catalog: events, chunks, uploads, staging."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

from hydria_server.domain.records import UploadState
from hydria_server.storage.metadata.tables import (
    DIGEST,
    DOMAIN,
    ENTITY,
    METADATA,
    NAME,
    PATH,
    ROW_ID,
    VERSION,
    only_where,
)

# I8: one gap-free sequence for each entity. The ids outlive what they name, so none is a key.
EVENT = Table(
    "event",
    METADATA,
    Column("entity_id", ForeignKey(ENTITY.c.id), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("type", String(64), nullable=False),
    Column("project_id", BigInteger, nullable=True),
    Column("collection_id", BigInteger, nullable=True),
    Column("version_id", BigInteger, nullable=True),
    Column("actor", Text, nullable=False),
    Column("data_json", Text, nullable=False),
    PrimaryKeyConstraint("entity_id", "seq"),
    Index(None, "entity_id", "collection_id", "seq"),  # the history of a collection
    sqlite_with_rowid=False,
)

# I1: a LIVE row points at synced bytes. `touch_epoch` and `condemned_epoch` fence the garbage
# collection. No index beside the key: digests are random, and each would cost as much again.
CHUNK = Table(
    "chunk",
    METADATA,
    Column("domain_id", ForeignKey(DOMAIN.c.id), nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("touch_epoch", BigInteger, nullable=False),
    Column("condemned_epoch", BigInteger, nullable=True),
    Column("size_bytes", Integer, nullable=False),
    Column("pack_id", String(26), nullable=False),
    Column("pack_offset", BigInteger, nullable=False),
    Column("stored_bytes", Integer, nullable=False),
    PrimaryKeyConstraint("domain_id", "digest"),
    sqlite_with_rowid=False,
)

# Files whose digest the server found itself, by the chunk list that it read.
VERIFIED_FILE = Table(
    "verified_file",
    METADATA,
    Column("domain_id", ForeignKey(DOMAIN.c.id), nullable=False),
    Column("content_digest", DIGEST, nullable=False),
    Column("chunk_list_digest", DIGEST, nullable=False),
    PrimaryKeyConstraint("domain_id", "content_digest", "chunk_list_digest"),
    sqlite_with_rowid=False,
)

# Sessions, and what their commits answered. Names, not ids: the commit makes what is missing.
UPLOAD = Table(
    "upload",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("entity_id", ForeignKey(ENTITY.c.id), nullable=False),
    Column("domain_id", ForeignKey(DOMAIN.c.id), nullable=False),
    Column("project", NAME, nullable=False),
    Column("collection", NAME, nullable=False),
    Column("type", NAME, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("base_version_id", ForeignKey(VERSION.c.id), nullable=True),
    Column("start_epoch", BigInteger, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("commit_hash", LargeBinary, nullable=False),
    Column("result_version_id", ForeignKey(VERSION.c.id), nullable=True),
    Column("result_created", Boolean, nullable=False),
    Column("result_ignored_fields_json", Text, nullable=False),
)
IS_OPEN_UPLOAD: Final = UPLOAD.c.state == literal_column(str(UploadState.OPEN.value))
HAS_REQUEST: Final = UPLOAD.c.request_id != literal_column("''")
# A request begins at most one upload.
only_where(
    Index("uq_upload_request", UPLOAD.c.entity_id, UPLOAD.c.request_id, unique=True), HAS_REQUEST
)
# Of all uploads ever, few are open: those whose lease ended, and those of an entity.
only_where(Index("ix_upload_open_lease", UPLOAD.c.expires_at_us), IS_OPEN_UPLOAD)
only_where(Index("ix_upload_open_entity", UPLOAD.c.entity_id), IS_OPEN_UPLOAD)

# Sorted runs of staged operations, in the order of staging; the bytes are chunks.
STAGED_RUN = Table(
    "staged_run",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("upload_id", ForeignKey(UPLOAD.c.id), nullable=False),
    Column("writer_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=True),
    Column("part", Integer, nullable=False),
    Column("resolved", Boolean, nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("operation_count", BigInteger, nullable=False),
    Column("first_path", PATH, nullable=False),
    Column("last_path", PATH, nullable=False),
    # A batch is staged once; what UploadFile stages has no seq, and NULLs are all different.
    UniqueConstraint("upload_id", "writer_id", "seq", "part"),
    Index(None, "upload_id", "id"),
    sqlite_autoincrement=True,
)
