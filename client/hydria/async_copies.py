"""Copies of whole versions, within an entity and between two."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from hydria import messages
from hydria.async_inspection import AsyncInspection
from hydria.carrying import Carrier
from hydria.records import CopyResult, Version, Words
from hydria.refs import split_ref
from hydria.retry import Patience
from hydria.upload.uploads import Uploads


class AsyncCopies(AsyncInspection):
    """The method of `AsyncClient` that copies versions."""

    _uploads: Uploads

    async def copy(
        self,
        ref: str,
        name: str,
        *,
        type: str = "",
        aliases: Sequence[str] = (),
        tags: Sequence[str] = (),
        description: str | None = None,
        metadata: Mapping[str, object] | str | None = None,
    ) -> CopyResult:
        """Make a version of the collection `name` with the content of another.

        Within an entity no bytes move. Into another one those chunks that it lacks pass through
        this client, without touching its disk; references stay references. The words of the source
        come with it, its aliases do not.

        Args:
            ref: the source.
            name: the collection; it is made if need be.
            type: another type than the source's, for a new collection.
            aliases: shall point to the version; `latest` does anyway.
            tags: beside those of the source.
            description: instead of the source's.
            metadata: instead of the source's; a mapping that JSON can write, or JSON text.

        Raises:
            TypeMismatchError: the collection has another type.
            ReceivedDataError: the server sent something else than it announced.
        """
        full_ref, target = self.defaults.ref(ref), self.defaults.collection(name)
        metadata_json = None if metadata is None else messages.metadata_text(metadata)
        if split_ref(full_ref)[0].partition("/")[0] != target.entity:
            source = await self.version(ref)
            words = _words(source, aliases, tags, description, metadata_json)
            carrier = Carrier(self._runtime, self._uploads)
            return await carrier.carry(source, target, type=type, words=words)
        request_id = uuid.uuid4().hex
        return await Patience(self._runtime.options.retry_seconds).run(
            lambda: self._catalog.copy_version(
                full_ref,
                target,
                type=type,
                aliases=aliases,
                tags=tags,
                description=description,
                metadata_json=metadata_json,
                request_id=request_id,
            )
        )


def _words(
    source: Version,
    aliases: Sequence[str],
    tags: Sequence[str],
    description: str | None,
    metadata_json: str | None,
) -> Words:
    """Return what is said about the copy: what the source says, unless the caller does."""
    return Words(
        description=source.description if description is None else description,
        metadata_json=source.metadata_json if metadata_json is None else metadata_json,
        tags=tuple(dict.fromkeys((*source.tags, *tags))),
        aliases=tuple(aliases),
    )
