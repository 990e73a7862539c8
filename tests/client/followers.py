"""Followers in tests: what they said, to be waited for, and models for them to follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hydria.client import AsyncClient
from hydria.following.follower import AsyncModelFollower
from hydria.following.records import FollowNotice, FollowOptions, NoticeKind, ServedVersion

REF = "team/birds/calls:production"
SECONDS = 30


@dataclass(slots=True)
class Heard:
    """What a follower said, to be waited for."""

    notices: list[FollowNotice] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, notice: FollowNotice) -> None:
        self.notices.append(notice)
        self.changed.set()

    async def wait(self, kind: NoticeKind, version: str = "", *, count: int = 1) -> FollowNotice:
        """Return the notice of a kind about `vN` once there are `count` of them."""
        async with asyncio.timeout(SECONDS):
            while True:
                self.changed.clear()
                found = [
                    notice
                    for notice in self.notices
                    if notice.kind is kind and notice.version_ref.endswith(version)
                ]
                if len(found) >= count:
                    return found[-1]
                await self.changed.wait()


@asynccontextmanager
async def following(
    client: AsyncClient,
    root: Path,
    heard: Heard,
    *,
    ref: str = REF,
    on_swap: Callable[[ServedVersion], Awaitable[None]] | None = None,
    options: FollowOptions | None = None,
) -> AsyncIterator[AsyncModelFollower]:
    """Follow while the block runs."""
    follower = AsyncModelFollower(
        client, ref, root, on_swap=on_swap, on_notice=heard.hear, options=options
    )
    task = asyncio.create_task(follower.run())
    try:
        yield follower
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.wait([task])


async def log(client: AsyncClient, tmp_path: Path, content: str, *aliases: str) -> str:
    """Log a version that has `content` in its file, and return its ref."""
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True, exist_ok=True)
    (source / "weights").write_text(content)
    (source / "below" / "same").write_text("same in all\n" * 50_000)
    result = await client.log("calls", source, type="model", aliases=aliases)
    return result.version.ref


def content(root: Path) -> str:
    return (root / "weights").read_text()
