"""The artifact service through the wire: versions verified, and compared with each other."""

from __future__ import annotations

import random

from hydria.v1 import artifact_pb2 as pb
from tests.conformance.artifact_staging import entry_of_recipes
from tests.refusals import refused
from tests.teams import Team, digest, entry, put, recipe

TREE = {"a": b"0123456789", "b/c": b"x", "b/d": b"", "bb": b"yy"}


async def verify(team: Team, ref: str) -> list[pb.VerifyVersionResponse]:
    """Return all that a verification says."""
    request = pb.VerifyVersionRequest(ref=ref)
    return [response async for response in team.stub.VerifyVersion(request, timeout=30)]


async def compare(
    team: Team, from_ref: str, to_ref: str
) -> tuple[list[pb.FileChange], pb.CompareSummary]:
    """Return what a comparison says, whose messages keep to their rules."""
    request = pb.CompareVersionsRequest(from_ref=from_ref, to_ref=to_ref)
    first, *rest = [part async for part in team.stub.CompareVersions(request, timeout=30)]
    assert first.from_ref
    assert first.to_ref
    assert [part.HasField("summary") for part in rest] == [False] * (len(rest) - 1) + [True]
    assert all(len(part.changes) <= 500 for part in rest)
    compared = [part.compared_files for part in rest[:-1]]
    assert compared == sorted(compared)
    return [change for part in rest for change in part.changes], rest[-1].summary


class InspectionContract:
    """Verification finds nothing where nothing is wrong; comparisons add up."""

    async def test_a_healthy_version_is_intact_and_all_of_it_was_read(self, team: Team) -> None:
        await team.log(TREE)
        first, *_, last = await verify(team, team.ref())
        assert first == pb.VerifyVersionResponse(version_ref=team.ref(":v0"))
        assert last.summary == pb.VerifySummary(
            intact=True, checked_files=4, checked_bytes=13, checked_chunks=3
        )

    async def test_files_of_many_chunks_and_of_recipes_are_verified(self, team: Team) -> None:
        chunks = [bytes([number]) * 100 for number in range(70)]
        upload_id = await team.begin()
        await team.send(upload_id, *chunks, recipe(*chunks))
        long = entry_of_recipes("long", chunks, [recipe(*chunks)])
        await team.stage(upload_id, put(entry("listed", *chunks[:5])), put(long))
        await team.commit(upload_id)
        summary = (await verify(team, team.ref()))[-1].summary
        assert summary.intact
        assert (summary.checked_files, summary.checked_chunks) == (2, 75)
        assert summary.checked_bytes == 7500

    async def test_a_version_of_no_files_is_intact(self, team: Team) -> None:
        await team.log({})
        assert (await verify(team, team.ref()))[-1].summary == pb.VerifySummary(intact=True)

    async def test_progress_never_goes_back_and_ends_at_the_totals(self, team: Team) -> None:
        await team.log({f"{number:04}": b"%d" % number for number in range(2500)})
        _, *steps, last = await verify(team, team.ref())
        counts = [step.checked_files for step in steps]
        assert counts == sorted(counts)
        assert len(set(counts)) > 2
        assert counts[-1] == last.summary.checked_files == 2500

    async def test_what_does_not_exist_cannot_be_verified_or_compared(self, team: Team) -> None:
        await team.log(TREE)
        with refused("ALIAS_NOT_FOUND"):
            await verify(team, team.ref(":nothing"))
        with refused("RESOURCE_NOT_FOUND"):
            await compare(team, team.ref(), team.ref(":v7"))
        with refused("FIELD_VIOLATION") as refusal:
            await compare(team, team.ref(), "nonsense")
        assert refusal.metadata["field"] == "to_ref"

    # --- comparisons ------------------------------------------------------------------------

    async def test_added_removed_and_changed_files_come_by_path(self, team: Team) -> None:
        await team.log(TREE)
        await team.log({"a": b"0123456789", "b/c": b"other", "new": b"n", "bb/inner": b"yy"})
        changes, summary = await compare(team, team.ref(":v0"), team.ref(":v1"))
        told = [
            (
                change.previous_file.path,
                change.previous_file.size_bytes,
                change.file.path,
                change.file.size_bytes,
            )
            for change in changes
        ]
        assert told == [
            ("b/c", 1, "b/c", 5),
            ("b/d", 0, "", 0),
            ("bb", 2, "", 0),
            ("", 0, "bb/inner", 2),
            ("", 0, "new", 1),
        ]
        assert changes[0].file.content_digest == digest(b"other")
        assert changes[0].previous_file.content_digest == digest(b"x")
        assert summary == pb.CompareSummary(
            added_count=2,
            removed_count=2,
            changed_count=1,
            unchanged_count=1,
            added_bytes=3,
            removed_bytes=2,
            changed_bytes=5,
            unchanged_bytes=10,
            shared_bytes=12,  # `a`, and what was `bb` and is `bb/inner` now
            new_bytes=6,
        )

    async def test_a_version_does_not_differ_from_itself(self, team: Team) -> None:
        await team.log(TREE)
        changes, summary = await compare(team, team.ref(":latest"), team.ref(":v0"))
        assert changes == []
        assert summary == pb.CompareSummary(unchanged_count=4, unchanged_bytes=13, shared_bytes=13)

    async def test_an_empty_version_is_compared_both_ways(self, team: Team) -> None:
        await team.log({})
        await team.log(TREE)
        _, grown = await compare(team, team.ref(":v0"), team.ref(":v1"))
        assert (grown.added_count, grown.new_bytes, grown.shared_bytes) == (4, 13, 0)
        _, shrunk = await compare(team, team.ref(":v1"), team.ref(":v0"))
        assert (shrunk.removed_count, shrunk.removed_bytes) == (4, 13)
        assert (shrunk.unchanged_count, shrunk.shared_bytes, shrunk.new_bytes) == (0, 0, 0)

    async def test_bytes_are_shared_below_the_file(self, team: Team) -> None:
        chunks = [bytes([number]) * 1000 for number in range(70)]
        for parts in (chunks, [bytes(500), *chunks[1:]]):
            upload_id = await team.begin()
            await team.send(upload_id, *parts, recipe(*parts))
            long = entry_of_recipes("long", parts, [recipe(*parts)])
            await team.stage(upload_id, put(long), put(entry("listed", *parts[:4])))
            await team.commit(upload_id)
        changes, summary = await compare(team, team.ref(":v0"), team.ref(":v1"))
        assert [change.file.path for change in changes] == ["listed", "long"]
        assert summary.changed_bytes == 69_500 + 3500
        assert summary.new_bytes == 500 + 500
        assert summary.shared_bytes == 69_000 + 3000

    async def test_what_another_entity_stores_counts_only_if_the_version_has_it(
        self, team: Team
    ) -> None:
        other = Team.new(team.server)
        await other.log({"secret": b"known to the other"}, collection="hidden")
        await other.log({"same": b"in both"})
        await team.log({"guess": b"known to the other", "same": b"in both", "copy": b"in both"})
        changes, summary = await compare(team, other.ref(":v0"), team.ref(":v0"))
        assert [change.file.path for change in changes] == ["copy", "guess"]
        assert (summary.shared_bytes, summary.new_bytes) == (14, 18)

    async def test_many_differences_come_in_messages_of_a_few_hundred(self, team: Team) -> None:
        old = {f"{number:05}": b"%d" % number for number in range(3000)}
        new = {path: data for path, data in old.items() if int(path) % 7} | {"zzz": b"z"}
        new.update(dict.fromkeys(list(new)[::5], b"changed"))
        await team.log(old)
        await team.log(new)
        changes, summary = await compare(team, team.ref(":v0"), team.ref(":v1"))
        told = {change.file.path or change.previous_file.path: change for change in changes}
        assert list(told) == sorted(told)
        expected = {path for path in {*old, *new} if old.get(path) != new.get(path)}
        assert set(told) == expected
        assert summary.unchanged_count == len({*old, *new} - expected)

    async def test_totals_are_those_of_the_contents(self, team: Team) -> None:
        source = random.Random(7)
        pieces = [source.randbytes(source.randrange(1, 50)) for _ in range(40)]
        trees = [
            {f"{source.randrange(30)}": source.choice(pieces) for _ in range(25)} for _ in range(6)
        ]
        refs = [(await team.log(tree)).ref for tree in trees]
        for old_ref, old in zip(refs, trees, strict=True):
            for new_ref, new in zip(refs, trees, strict=True):
                _, summary = await compare(team, old_ref, new_ref)
                assert summary == _expected(old, new)


def _expected(old: dict[str, bytes], new: dict[str, bytes]) -> pb.CompareSummary:
    """Return the totals of two trees of one-chunk files."""
    added, removed = new.keys() - old.keys(), old.keys() - new.keys()
    both = new.keys() & old.keys()
    changed = {path for path in both if new[path] != old[path]}
    differing = [new[path] for path in added | changed]
    fresh = sum(len(data) for data in differing if data not in old.values())
    return pb.CompareSummary(
        added_count=len(added),
        removed_count=len(removed),
        changed_count=len(changed),
        unchanged_count=len(both - changed),
        added_bytes=sum(len(new[path]) for path in added),
        removed_bytes=sum(len(old[path]) for path in removed),
        changed_bytes=sum(len(new[path]) for path in changed),
        unchanged_bytes=sum(len(new[path]) for path in both - changed),
        shared_bytes=sum(map(len, new.values())) - fresh,
        new_bytes=fresh,
    )
