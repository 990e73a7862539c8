"""The artifact service through the wire: commits, their repetition, and small versions."""

from __future__ import annotations

import asyncio
import json

import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from tests.clocks import ManualClock
from tests.refusals import outcome_of, refused
from tests.teams import Team, digest, entry, put, version_digest

MIB = 1 << 20


class CommitsContract:
    """A commit is one transaction: all of it happened, once, or nothing did."""

    async def test_a_version_says_what_it_is(self, team: Team, clock: ManualClock) -> None:
        began_us = clock.now_us
        upload_id = await team.begin()
        await team.send(upload_id, b"one", b"two")
        await team.stage(upload_id, put(entry("b", b"one", b"two")), put(entry("a")))
        committed = await team.commit(
            upload_id,
            aliases=["best", "latest", "best"],
            tags=["gold", "clean", "gold"],
            description="two **files**",
            metadata_json='{"lr": 1e-3, "n": 12345678901234567890, "x": [1.0, 1]}',
        )
        version = committed.version
        assert committed.created
        assert not committed.ignored_fields
        assert version.ref == team.ref(":v0")
        assert (version.entity, version.project) == (team.name, "birds")
        assert (version.collection, version.type, version.version) == ("calls", "dataset", "v0")
        assert version.state == types_pb2.VERSION_STATE_COMMITTED
        assert list(version.aliases) == ["best", "latest"]
        assert list(version.tags) == ["clean", "gold"]
        assert version.description == "two **files**"
        assert version.metadata_json == '{"lr": 1e-3, "n": 12345678901234567890, "x": [1.0, 1]}'
        assert (version.file_count, version.size_bytes) == (2, 6)
        assert version.digest == version_digest({"a": b"", "b": b"onetwo"})
        assert began_us <= version.created_at.ToMicroseconds() <= clock.now_us
        assert version.updated_at == version.created_at
        assert await team.version(":v0") == version

    async def test_the_same_commit_again_gets_the_same_answer(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.stage(upload_id, put(entry("a")))
        first = await team.commit(upload_id, aliases=["x", "y"], tags=["t"], description="d")
        again = await team.commit(upload_id, aliases=["y", "x", "x"], tags=["t"], description="d")
        assert again == first
        assert await team.numbers() == ["v0"]

    async def test_another_commit_of_a_committed_upload_is_refused(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.commit(upload_id, description="one")
        with refused("UPLOAD_NOT_OPEN"):
            await team.commit(upload_id, description="two")
        with refused("UPLOAD_NOT_OPEN"):
            await team.commit(upload_id, description="one", aliases=["new"])
        assert (await team.version()).description == "one"

    async def test_many_commits_of_one_upload_at_once_make_one_version(self, team: Team) -> None:
        upload_id = await team.begin()
        await team.stage(upload_id, put(entry("a")))
        answers = await asyncio.gather(*(team.commit(upload_id) for _ in range(8)))
        assert {answer.version.ref for answer in answers} == {team.ref(":v0")}
        assert all(answer.created for answer in answers)
        assert await team.numbers() == ["v0"]

    async def test_a_commit_that_failed_leaves_nothing_and_the_upload_open(
        self, team: Team
    ) -> None:
        """C15: an upload that fails is not a version."""
        upload_id = await team.begin()
        await team.stage(upload_id, put(entry("a", b"never sent")))
        with refused("CHUNKS_MISSING"):
            await team.commit(upload_id, aliases=["best"])
        assert not await team.exists()
        await team.send(upload_id, b"never sent")
        await team.commit(upload_id)
        assert list((await team.version()).aliases) == ["latest"]

    async def test_what_is_not_committed_cannot_be_resolved(self, team: Team) -> None:
        """C14: there is no version before its commit, by whatever ref."""
        upload_id = await team.begin()
        await team.send(upload_id, b"1")
        await team.stage(upload_id, put(entry("a", b"1")))
        for suffix in ("", ":latest", ":v0", "@blake3:" + version_digest({"a": b"1"}).hex()):
            with refused("RESOURCE_NOT_FOUND"):
                await team.version(suffix)

    async def test_commits_to_a_collection_at_once_get_consecutive_numbers_in_order(
        self, team: Team
    ) -> None:
        """C1, C16: numbers are consecutive, and newer versions have higher ones."""
        versions = await asyncio.gather(*(team.log({"a": bytes([at])}) for at in range(12)))
        by_time = sorted(versions, key=lambda version: version.created_at.ToMicroseconds())
        assert [version.version for version in by_time] == [f"v{at}" for at in range(12)]
        assert await team.numbers() == [f"v{at}" for at in reversed(range(12))]
        assert (await team.version()).version == "v11"

    async def test_an_empty_tree_is_a_version(self, team: Team) -> None:
        version = await team.log({})
        assert (version.file_count, version.size_bytes) == (0, 0)
        assert version.digest == version_digest({})
        assert await team.contents() == {}
        assert await team.paths() == []

    @pytest.mark.parametrize(
        "metadata_json", ["[]", "1", "null", '{"a": NaN}', "{", '{"a": 1}x', "{'a': 1}", "\x00"]
    )
    async def test_metadata_is_a_json_object(self, team: Team, metadata_json: str) -> None:
        upload_id = await team.begin()
        with refused("FIELD_VIOLATION") as refusal:
            await team.commit(upload_id, metadata_json=metadata_json)
        assert refusal.metadata == {"field": "metadata_json"}
        with refused("FIELD_VIOLATION"):
            await team.log({}, metadata_json=metadata_json)

    async def test_metadata_of_1_mib_is_kept_and_one_more_byte_is_refused(self, team: Team) -> None:
        document = json.dumps({"text": "x" * (MIB - 12)})
        assert len(document) == MIB
        assert (await team.log({}, metadata_json=document)).metadata_json == document
        with refused("FIELD_VIOLATION"):
            await team.log({"a": b""}, metadata_json=document.replace("x", "xx", 1))

    async def test_no_metadata_is_an_empty_object(self, team: Team) -> None:
        assert (await team.log({})).metadata_json == "{}"

    @pytest.mark.parametrize("alias", ["v1", "v01", "v99999999999999999999"])
    async def test_version_names_are_no_aliases(self, team: Team, alias: str) -> None:
        """C6: `vN` is not editable."""
        with refused("NAME_RESERVED"):
            await team.log({}, aliases=[alias])
        assert not await team.exists()

    async def test_names_among_tags_and_aliases_are_checked(self, team: Team) -> None:
        for name in ("", "a/b", "x" * 129, "a:b", "-x", " x", "e\u0301"):
            with refused("NAME_INVALID"):
                await team.log({}, aliases=[name])
            with refused("NAME_INVALID"):
                await team.log({}, tags=[name])
        with refused("FIELD_VIOLATION"):
            await team.log({}, tags=[f"t{at}" for at in range(101)])
        with refused("FIELD_VIOLATION"):
            await team.log({}, aliases=[f"a{at}" for at in range(101)])
        version = await team.log(
            {}, tags=[f"t{at}" for at in range(100)], aliases=[f"a{at}" for at in range(100)]
        )
        assert (len(version.tags), len(version.aliases)) == (100, 101)

    async def test_a_new_collection_needs_a_type_and_an_old_one_does_not(self, team: Team) -> None:
        request = pb.PutVersionRequest(entity=team.name, project="birds", collection="calls")
        with refused("FIELD_VIOLATION") as refusal:
            await team.stub.PutVersion(request)
        assert refusal.metadata == {"field": "type"}
        await team.log({"a": b""})
        assert (await team.stub.PutVersion(request)).version.type == "dataset"

    # --- small versions ---------------------------------------------------------------------

    async def test_a_small_version_in_one_call(self, team: Team) -> None:
        files = {"b": b"2", "a/x": b"1", "empty": b"", "same": b"2"}
        version = await team.log(files, aliases=["best"], tags=["gold"], description="d")
        assert version.digest == version_digest(files)
        assert list(version.aliases) == ["best", "latest"]
        assert (version.file_count, version.size_bytes) == (4, 3)
        assert await team.contents() == files

    async def test_a_small_version_of_1_mib_and_of_one_byte_more(self, team: Team) -> None:
        await team.log({"a": bytes(MIB - 1), "b": b"x"})
        with refused("BATCH_TOO_LARGE") as refusal:
            await team.log({"a": bytes(MIB), "b": b"x"})
        assert refusal.metadata == {"limit": str(MIB)}

    async def test_a_small_version_with_a_path_twice_is_refused(self, team: Team) -> None:
        request = pb.PutVersionRequest(
            entity=team.name,
            project="birds",
            collection="calls",
            type="dataset",
            files=[pb.InlineFile(path="a", content=b"1"), pb.InlineFile(path="a", content=b"1")],
        )
        with refused("DUPLICATE_PATH"):
            await team.stub.PutVersion(request)

    async def test_the_same_small_version_again_gets_the_same_answer(self, team: Team) -> None:
        request = self.small(team, request_id="again")
        first = await team.stub.PutVersion(request)
        await team.log({"newer": b""})
        assert (await team.stub.PutVersion(request)).version.version == "v0"
        assert first.created
        assert await team.numbers() == ["v1", "v0"]
        assert (await team.version()).version == "v1", "a replay moves nothing"

    @pytest.mark.parametrize("changed", ["content", "description", "metadata_json", "tags", "path"])
    async def test_its_request_id_with_another_payload_is_refused(
        self, team: Team, changed: str
    ) -> None:
        request = self.small(team, request_id="once")
        await team.stub.PutVersion(request)
        match changed:
            case "content":
                request.files[0].content = b"other"
            case "path":
                request.files[0].path = "other"
            case "tags":
                request.tags.append("other")
            case "description":
                request.description = "other"
            case "metadata_json":
                request.metadata_json = '{"other": 1}'
        with refused("REQUEST_ID_REUSED"):
            await team.stub.PutVersion(request)

    async def test_twins_of_a_small_version_at_once_get_one_answer(self, team: Team) -> None:
        request = self.small(team, request_id="twin")
        answers = await asyncio.gather(*(team.stub.PutVersion(request) for _ in range(8)))
        assert {answer.version.ref for answer in answers} == {team.ref(":v0")}
        assert await team.numbers() == ["v0"]

    async def test_a_small_version_that_was_refused_may_be_tried_again_by_its_request_id(
        self, team: Team
    ) -> None:
        await team.log({"a": b"old"}, type_="model")
        request = self.small(team, request_id="retry")
        for _ in range(2):
            with refused("TYPE_MISMATCH"):
                await team.stub.PutVersion(request)
        await team.delete_collection()
        assert (await team.stub.PutVersion(request)).version.version == "v0"

    async def test_a_small_version_that_was_refused_leaves_no_open_upload(self, team: Team) -> None:
        for path in ("a", "a/b"):
            request = self.small(team)
            request.files.add(path=path, content=b"1")
            request.files.add(path=f"{path}/below", content=b"1")
            assert await outcome_of(team.stub.PutVersion(request)) != ""
        await team.log({"a": b"1"})
        entity = await team.server.metadata.read(lambda rows: rows.names.entity(team.name))
        assert entity is not None
        entity_id = entity.id
        count = await team.server.metadata.read(lambda rows: rows.uploads.count_open(entity_id))
        assert count == 0

    def small(self, team: Team, *, request_id: str = "") -> pb.PutVersionRequest:
        return pb.PutVersionRequest(
            entity=team.name,
            project=team.project,
            collection=team.collection,
            type=team.type,
            files=[pb.InlineFile(path="a", content=b"1")],
            request_id=request_id,
        )

    async def test_an_upload_by_digests_is_the_same_version_as_one_by_contents(
        self, team: Team
    ) -> None:
        version = await team.log({"a": b"1", "b": b"2"})
        upload_id = await team.begin()
        assert await team.missing(upload_id, b"1", b"2") == [], "nothing needs to be sent"
        await team.stage(upload_id, put(entry("b", b"2")), put(entry("a", b"1")))
        committed = await team.commit(upload_id)
        assert (committed.created, committed.version.digest) == (False, version.digest)
        assert digest(b"1") != version.digest
