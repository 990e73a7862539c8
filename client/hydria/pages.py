"""Long lists, fetched a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

_Item = TypeVar("_Item")

PAGE_SIZE = 1000  # how many items a page is asked for


class Pages(Generic[_Item]):
    """A list at the server. Iterate over it (`async for`); it fetches pages as they are needed.

    It may be iterated over again, and then asks again.
    """

    def __init__(self, fetch: Callable[[str], Awaitable[tuple[list[_Item], str]]]) -> None:
        self._fetch = fetch

    def __aiter__(self) -> AsyncIterator[_Item]:
        return self._items()

    async def pages(self) -> AsyncIterator[list[_Item]]:
        """Yield whole pages, for whom items one by one cost too much.

        Raises:
            HydriaError: what the server or the transport says.
        """
        token = ""
        while True:
            items, token = await self._fetch(token)
            yield items
            if not token:
                return

    async def to_list(self) -> list[_Item]:
        """Return all items. Raises as `pages`."""
        return [item async for item in self]

    async def _items(self) -> AsyncIterator[_Item]:
        async for page in self.pages():
            for item in page:
                yield item
