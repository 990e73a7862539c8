"""Versions that several processes make together."""

from __future__ import annotations

from hydria.async_copies import AsyncCopies
from hydria.shared_uploads import SharedUpload, UploadWriter


class AsyncSharedUploads(AsyncCopies):
    """The methods of `AsyncClient` for an upload that has many writers."""

    async def create_upload(
        self, name: str, *, type: str = "", base: str | None = None, request_id: str = ""
    ) -> SharedUpload:
        """Begin a version that several processes make together, each through `join`.

        Args:
            name: the collection.
            type: needed for a new collection only.
            base: the ref of a version whose files stay unless they are overwritten or removed.
            request_id: a name for the upload, within the entity: all who ask by the same one get
                the same upload, and nobody has to be told its id.
        """
        session = await self._uploads.begin(
            self.defaults.collection(name),
            type=type,
            base_version=self.defaults.ref(base) if base else "",
            request_id=request_id,
        )
        return SharedUpload(self._uploads, session)

    async def upload(self, upload_id: str) -> SharedUpload:
        """Return an upload that was begun elsewhere, to look at, commit or abort it."""
        return SharedUpload(self._uploads, await self._uploads.session(upload_id))

    async def join(self, upload_id: str, writer_id: str) -> UploadWriter:
        """Become a writer of an upload, or go on as one that stopped.

        Raises:
            UploadExpiredError, UploadNotOpenError: the upload is over.
        """
        session = await self._uploads.session(upload_id, writer_id=writer_id)
        await session.resume()
        return UploadWriter(self._uploads, session)
