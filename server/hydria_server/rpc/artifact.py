"""The artifact service on the wire."""

from __future__ import annotations

from hydria.v1 import artifact_pb2, artifact_pb2_grpc, types_pb2
from hydria_server.domain.chunks import (
    CHUNKER_AVERAGE_BYTES,
    CHUNKER_MIN_BYTES,
    MAX_BATCH_BYTES,
    MAX_CHUNK_BYTES,
    MAX_DIGESTS_PER_FIND,
)
from hydria_server.domain.documents import MAX_DOCUMENT_BYTES
from hydria_server.domain.paths import MAX_PATH_BYTES
from hydria_server.domain.release import server_version
from hydria_server.rpc.calls import Context
from hydria_server.rpc.catalog import CatalogRpcs
from hydria_server.rpc.inspection import InspectionRpcs
from hydria_server.rpc.transfer import TransferRpcs
from hydria_server.rpc.uploads import UploadRpcs
from hydria_server.services.downloads import MAX_READS
from hydria_server.services.file_drafts import MAX_CHUNKS_PER_ENTRY
from hydria_server.services.small_versions import MAX_PUT_VERSION_BYTES
from hydria_server.services.staging import MAX_OPERATIONS

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
MAX_UNACKED_BYTES = 32 * 1024 * 1024


class ArtifactServicer(
    UploadRpcs, TransferRpcs, CatalogRpcs, InspectionRpcs, artifact_pb2_grpc.ArtifactServiceServicer
):
    """Converts, calls a service, converts. The families of calls have a file each."""

    async def GetServerInfo(
        self, request: artifact_pb2.GetServerInfoRequest, context: Context
    ) -> artifact_pb2.GetServerInfoResponse:
        store = self.services.store
        return artifact_pb2.GetServerInfoResponse(
            server_version=server_version(),
            store_id=store.store_id,
            digest_function=types_pb2.DigestFunction.ValueType(store.digest_function),
            compressions=[types_pb2.COMPRESSION_IDENTITY],
            limits=self._limits(),
            chunker=artifact_pb2.ChunkerParameters(
                min_bytes=CHUNKER_MIN_BYTES,
                average_bytes=CHUNKER_AVERAGE_BYTES,
                max_bytes=MAX_CHUNK_BYTES,
                normalization=2,
                seed=0,
            ),
        )

    def _limits(self) -> artifact_pb2.ServerLimits:
        return artifact_pb2.ServerLimits(
            max_chunk_bytes=MAX_CHUNK_BYTES,
            max_batch_bytes=MAX_BATCH_BYTES,
            max_message_bytes=MAX_MESSAGE_BYTES,
            max_unacked_bytes=MAX_UNACKED_BYTES,
            max_digests_per_request=MAX_DIGESTS_PER_FIND,
            max_operations_per_stage=MAX_OPERATIONS,
            max_put_version_bytes=MAX_PUT_VERSION_BYTES,
            max_path_bytes=MAX_PATH_BYTES,
            max_metadata_bytes=MAX_DOCUMENT_BYTES,
            max_reads_per_download=MAX_READS,
            max_chunks_per_entry=MAX_CHUNKS_PER_ENTRY,
            upload_lease_seconds=self.services.limits.upload_lease_seconds,
        )
