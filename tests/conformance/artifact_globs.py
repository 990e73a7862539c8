"""The artifact service through the wire: files chosen by globs."""

from __future__ import annotations

import asyncio

import pytest

from hydria.v1 import artifact_pb2 as pb
from tests.refusals import refused
from tests.teams import Team

TREE = {
    path: path.encode()
    for path in (
        ".hidden",
        "a.csv",
        "a.CSV",
        "data",
        "data-2/x",
        "dir/a.csv",
        "dir/b.txt",
        "dir/é.csv",
        "dir/sub/a.csv",
        "dir/sub/deep/a.csv",
        "odd/[x]*.csv",
    )
}

BAD_GLOBS = (
    "[a",
    "a**",
    "**b/c",
    "[z-a]",
    "/a",
    "a/",
    "a//b",
    "../*",
    "./*",
    "a\\*",
    "a\0",
    "e\u0301*",
    "x" * 1025,
)


class GlobsContract:
    """A glob chooses the same files in lists, streams and downloads."""

    @pytest.mark.parametrize(
        ("glob", "paths"),
        [
            ("*", [".hidden", "a.CSV", "a.csv", "data"]),
            ("*.csv", ["a.csv"]),
            ("dir/?.csv", ["dir/a.csv", "dir/é.csv"]),
            ("dir/*", ["dir/a.csv", "dir/b.txt", "dir/é.csv"]),
            ("dir/**", [path for path in sorted(TREE) if path.startswith("dir/")]),
            ("data/**", []),
            ("**", sorted(TREE)),
            ("**/a.csv", ["a.csv", "dir/a.csv", "dir/sub/a.csv", "dir/sub/deep/a.csv"]),
            ("dir/**/a.csv", ["dir/a.csv", "dir/sub/a.csv", "dir/sub/deep/a.csv"]),
            ("dir/*/a.csv", ["dir/sub/a.csv"]),
            ("dir/[!a]*", ["dir/b.txt", "dir/é.csv"]),
            ("odd/[[]x][*].csv", ["odd/[x]*.csv"]),
            ("dir/b.txt", ["dir/b.txt"]),
            ("nothing/*", []),
        ],
    )
    async def test_a_glob_stands_for_whole_paths(
        self, team: Team, glob: str, paths: list[str]
    ) -> None:
        await team.log(TREE)
        expected = sorted(paths, key=str.encode)

        listed = await team.stub.ListFiles(pb.ListFilesRequest(ref=team.ref(), glob=glob))
        request = pb.StreamFilesRequest(ref=team.ref(), glob=glob)
        streamed = [file async for part in team.stub.StreamFiles(request) for file in part.files]
        download = await team.download(globs=[glob])

        assert [file.path for file in listed.files] == expected
        assert [file.path for file in streamed] == expected
        assert download.contents() == {path: TREE[path] for path in paths}

    async def test_files_of_several_globs_come_once_after_reads_and_prefixes(
        self, team: Team
    ) -> None:
        await team.log(TREE)
        download = await team.download(
            reads=[pb.FileRead(path="data")],
            prefixes=["dir/sub/deep"],
            globs=["dir/*.csv", "dir/a*", "*.csv"],
        )
        assert [file.header.path for file in download.files] == [
            "data",
            "dir/sub/deep/a.csv",
            "a.csv",
            "dir/a.csv",
            "dir/é.csv",
        ]

    async def test_globs_that_stand_for_nothing_send_nothing(self, team: Team) -> None:
        await team.log(TREE)
        assert not (await team.download(globs=["nothing/*"])).files

    async def test_a_prefix_and_a_glob_both_hold(self, team: Team) -> None:
        await team.log(TREE)
        for prefix, glob, paths in (
            ("dir/sub", "**/a.csv", ["dir/sub/a.csv", "dir/sub/deep/a.csv"]),
            ("dir/", "dir/sub/*", ["dir/sub/a.csv"]),
            ("odd/", "dir/**", []),
        ):
            request = pb.ListFilesRequest(ref=team.ref(), prefix=prefix, glob=glob)
            listed = await team.stub.ListFiles(request)
            assert [file.path for file in listed.files] == paths

    async def test_pages_of_a_glob_go_on_where_they_ended(self, team: Team) -> None:
        await team.log({f"{at:03}.{'ab'[at % 2]}": b"" for at in range(50)})
        request = pb.ListFilesRequest(ref=team.ref(), glob="*.a", page_size=10)
        pages: list[list[str]] = []
        while not pages or request.page_token:
            page = await team.stub.ListFiles(request)
            pages.append([file.path for file in page.files])
            request.page_token = page.next_page_token
        assert [path for page in pages for path in page] == [f"{at:03}.a" for at in range(0, 50, 2)]
        assert [len(page) for page in pages] == [10, 10, 5]

        request.page_token = (await team.stub.ListFiles(request)).next_page_token
        request.glob = "*.b"
        with refused("PAGE_TOKEN_INVALID"):
            await team.stub.ListFiles(request)

    async def test_a_stream_of_a_glob_goes_on_after_a_path(self, team: Team) -> None:
        await team.log(TREE)
        request = pb.StreamFilesRequest(
            ref=team.ref(), glob="**/a.csv", start_after_path="dir/b.txt"
        )
        streamed = [file async for part in team.stub.StreamFiles(request) for file in part.files]
        assert [file.path for file in streamed] == ["dir/sub/a.csv", "dir/sub/deep/a.csv"]

    @pytest.mark.parametrize("glob", BAD_GLOBS)
    async def test_a_text_that_is_no_glob_is_refused_by_name(self, team: Team, glob: str) -> None:
        await team.log({"a": b""})
        for field, call in (
            ("glob", team.stub.ListFiles(pb.ListFilesRequest(ref=team.ref(), glob=glob))),
            ("glob", self.stream(team, pb.StreamFilesRequest(ref=team.ref(), glob=glob))),
            ("globs", team.download(globs=["*", glob])),
        ):
            with refused("FIELD_VIOLATION") as refusal:
                await call
            assert refusal.metadata == {"field": field}
            assert repr(glob[:120]) in refusal.message

    async def test_an_empty_text_among_globs_is_refused(self, team: Team) -> None:
        await team.log({"a": b""})
        with refused("FIELD_VIOLATION"):
            await team.download(globs=[""])

    async def test_100_globs_may_be_asked_for_and_not_one_more(self, team: Team) -> None:
        await team.log({"a": b"1"})
        assert (await team.download(globs=["*"] * 100)).contents() == {"a": b"1"}
        with refused("BATCH_TOO_LARGE") as refusal:
            await team.download(globs=["*"] * 101)
        assert refusal.metadata == {"limit": "100"}

    async def test_globs_made_to_be_slow_do_not_hold_up_other_calls(self, team: Team) -> None:
        await team.log({f"{'a' * 1000}{at:04}": b"" for at in range(100)})
        slow = asyncio.create_task(team.download(globs=["*" + "[ab]" * 200 + "c"] * 3))
        answered = 0
        while not slow.done():
            await team.stub.GetVersion(pb.GetVersionRequest(ref=team.ref()))
            answered += 1
        assert not (await slow).files
        assert answered > 5

    async def stream(self, team: Team, request: pb.StreamFilesRequest) -> list[str]:
        """Return the paths of a stream."""
        parts = [part async for part in team.stub.StreamFiles(request)]
        return [file.path for part in parts for file in part.files]
