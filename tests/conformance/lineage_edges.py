"""The lineage service through the wire: what runs used and logged."""

from __future__ import annotations

from hydria.v1 import artifact_pb2
from hydria.v1 import lineage_pb2 as pb
from tests.refusals import refused
from tests.run_teams import DERIVED, DOWN, LOGGED, UP, USED, RunTeam, derived, logged, used
from tests.teams import entry, put, version_digest


class EdgesOfRunsContract:
    """Edges made by runs: at the moment of use, and by commits."""

    async def test_a_run_uses_a_version_once(self, runs: RunTeam) -> None:
        version = await runs.team.log({"a": b"1"})
        ref = await runs.run()

        first = await runs.use(ref, runs.team.ref())
        assert (first.version, first.created) == (version, True)
        assert not (await runs.use(ref, version.ref)).created

        (edge,) = (await runs.edges(ref)).neighbours
        assert edge.edge.kind == USED
        assert (edge.edge.source_id, edge.edge.target_id) == (edge.node.id, (await node(runs, ref)))
        assert (edge.edge.requested_ref, edge.edge.recorded_ref) == (runs.team.ref(), version.ref)
        assert edge.node.label == "dataset:calls:v0"
        assert await runs.others(version.ref, DOWN) == [ref]
        assert await runs.others(version.ref, UP) == []

    async def test_using_what_is_not_there_records_nothing(self, runs: RunTeam) -> None:
        await runs.team.log({"a": b"1"})
        ref = await runs.run()
        with refused("TYPE_MISMATCH"):
            await runs.use(ref, runs.team.ref(), type_="model")
        with refused("ALIAS_NOT_FOUND"):
            await runs.use(ref, runs.team.ref(":best"))
        with refused("RESOURCE_NOT_FOUND"):
            await runs.use(f"{runs.name}/birds/runs/none", runs.team.ref())
        assert await runs.others(ref) == []

    async def test_versions_of_other_projects_and_entities_are_used(
        self, runs: RunTeam, others: RunTeam
    ) -> None:
        theirs = await others.team.log({"a": b"1"})
        ref = await runs.run()
        await runs.use(ref, theirs.ref)
        assert await runs.others(ref, UP) == [theirs.ref]
        assert await others.others(theirs.ref, DOWN) == [ref]

    async def test_every_way_to_commit_logs_the_version_for_its_run(self, runs: RunTeam) -> None:
        ref = await runs.run(job_type="load")
        small = await runs.log(ref, content=b"small")
        upload_id = await runs.team.begin()
        await runs.team.send(upload_id, b"large")
        await runs.team.stage(upload_id, put(entry("file", b"large")))
        request = artifact_pb2.CommitUploadRequest(upload_id=upload_id, run_ref=ref)
        large = (await runs.team.stub.CommitUpload(request)).version

        assert await runs.others(ref, DOWN) == [small.ref, large.ref]
        assert await runs.others(large.ref, UP, LOGGED) == [ref]
        assert (await runs.team.stub.CommitUpload(request)).version == large

    async def test_the_run_is_part_of_the_request(self, runs: RunTeam) -> None:
        ref, other = await runs.run(), await runs.run()
        upload_id = await runs.team.begin()
        request = artifact_pb2.CommitUploadRequest(upload_id=upload_id, run_ref=ref)
        await runs.team.stub.CommitUpload(request)
        request.run_ref = other
        with refused("UPLOAD_NOT_OPEN"):
            await runs.team.stub.CommitUpload(request)

    async def test_equal_content_is_logged_by_each_run_that_made_it(self, runs: RunTeam) -> None:
        first, second, third = [await runs.run() for _ in range(3)]
        version = await runs.log(first, content=b"same")
        assert (await runs.log(second, content=b"same")).ref == version.ref
        await runs.team.stub.ReuseVersion(
            artifact_pb2.ReuseVersionRequest(
                entity=runs.name,
                project="birds",
                collection="calls",
                digest=version_digest({"file": b"same"}),
                run_ref=third,
            )
        )
        assert await runs.others(version.ref, UP) == [first, second, third]

    async def test_a_commit_for_a_run_that_is_not_there_makes_nothing(
        self, runs: RunTeam, others: RunTeam
    ) -> None:
        theirs = await others.run()
        with refused("RESOURCE_NOT_FOUND"):
            await runs.log(f"{runs.name}/birds/runs/none")
        for foreign in (theirs, f"{others.name}/birds/runs/none"):
            with refused("FIELD_VIOLATION") as refusal:
                await runs.log(foreign)
            assert refusal.metadata["field"] == "run_ref"
        assert not await runs.team.exists()

    async def test_a_finished_run_logs_and_uses_after_the_fact(self, runs: RunTeam) -> None:
        version = await runs.team.log({"a": b"1"})
        ref = await runs.run()
        await runs.finish(ref)
        await runs.use(ref, version.ref)
        made = await runs.log(ref, content=b"late")
        assert await runs.record(logged(ref, made.ref), logged(ref, version.ref)) == (1, 1)
        assert await runs.others(ref, DOWN, LOGGED) == [made.ref, version.ref]
        assert await runs.others(ref, UP, USED) == [version.ref]

    async def test_a_version_made_from_a_base_or_copied_derives_from_it(
        self, runs: RunTeam
    ) -> None:
        base = await runs.team.log({"a": b"1"})
        upload_id = await runs.team.begin(base=base.ref)
        await runs.team.send(upload_id, b"2")
        await runs.team.stage(upload_id, put(entry("b", b"2")))
        made = (await runs.team.commit(upload_id)).version
        request = artifact_pb2.CopyVersionRequest(
            source_ref=base.ref, entity=runs.name, project="birds", collection="copies"
        )
        copy = (await runs.team.stub.CopyVersion(request)).version
        assert await runs.others(base.ref, DOWN, DERIVED) == [made.ref, copy.ref]
        assert await runs.others(copy.ref, UP) == [base.ref]


class RecordedEdgesContract:
    """Edges that are recorded by themselves, and lists of them."""

    async def test_a_batch_records_what_is_not_there(self, runs: RunTeam) -> None:
        first, second = await runs.team.log({"a": b"1"}), await runs.team.log({"a": b"2"})
        ref = await runs.run()
        batch = (used(ref, first.ref), logged(ref, second.ref), derived(second.ref, first.ref))

        assert await runs.record(*batch, batch[0]) == (3, 1)
        assert await runs.record(*batch) == (0, 3)
        assert await runs.others(ref) == [first.ref, second.ref]
        assert await runs.others(first.ref, DOWN) == [ref, second.ref]
        assert await runs.record(used(ref, runs.team.ref(":latest"))) == (1, 0)

    async def test_a_batch_is_recorded_whole_or_not_at_all(self, runs: RunTeam) -> None:
        version = await runs.team.log({"a": b"1"})
        ref = await runs.run()
        good = used(ref, version.ref)
        for bad, reason in (
            (used(ref, runs.team.ref(":v7")), "RESOURCE_NOT_FOUND"),
            (used(f"{runs.name}/birds/runs/none", version.ref), "RESOURCE_NOT_FOUND"),
            (used(f"{runs.name}/nests/runs/none", version.ref), "RESOURCE_NOT_FOUND"),
            (used(ref, "nonsense"), "FIELD_VIOLATION"),
            (pb.NewLineageEdge(ref=version.ref, run_ref=ref), "FIELD_VIOLATION"),
            (derived(version.ref, version.ref), "LINEAGE_CYCLE"),
        ):
            with refused(reason) as refusal:
                await runs.record(good, bad)
            if bad.kind:
                assert refusal.metadata["index"] == "1"
        assert await runs.others(ref) == []

    async def test_nobody_records_for_another_entity(self, runs: RunTeam, others: RunTeam) -> None:
        ours, theirs = await runs.team.log({"a": b"1"}), await others.team.log({"a": b"1"})
        ref, foreign = await runs.run(), await others.run()
        for bad in (
            used(foreign, ours.ref),
            logged(ref, theirs.ref),
            derived(theirs.ref, ours.ref),
        ):
            with refused("FIELD_VIOLATION"):
                await runs.record(bad)
        assert await runs.record(used(ref, theirs.ref), derived(ours.ref, theirs.ref)) == (2, 0)

    async def test_derivations_never_go_in_a_circle(self, runs: RunTeam) -> None:
        refs = [(await runs.team.log({"a": str(n).encode()})).ref for n in range(4)]
        for older, younger in ((0, 1), (1, 2), (3, 2)):
            await runs.record(derived(refs[younger], refs[older]))
        with refused("LINEAGE_CYCLE"):
            await runs.record(derived(refs[0], refs[2]))
        with refused("LINEAGE_CYCLE"):  # within one batch, the way back before the way there
            await runs.record(derived(refs[0], refs[3]), derived(refs[3], refs[0]))
        assert await runs.record(derived(refs[1], refs[3])) == (1, 0)
        with refused("LINEAGE_CYCLE"):
            await runs.record(derived(refs[3], refs[1]))

    async def test_a_run_may_use_what_it_logged(self, runs: RunTeam) -> None:
        ref = await runs.run()
        version = await runs.log(ref)
        await runs.use(ref, version.ref)
        assert await runs.others(ref) == [version.ref, version.ref]

    async def test_too_many_edges_are_refused(self, runs: RunTeam) -> None:
        ref = await runs.run()
        with refused("BATCH_TOO_LARGE"):
            await runs.record(*[used(ref, runs.team.ref())] * 5_001)

    async def test_what_was_deleted_stays_in_the_graph(self, runs: RunTeam) -> None:
        ref = await runs.run()
        version = await runs.log(ref, content=b"1")
        await runs.log(ref, content=b"2")
        await runs.team.delete(":v0")
        with refused("VERSION_DELETED"):
            await runs.use(ref, version.ref)

        tomb = (await runs.edges(ref, DOWN)).neighbours[0].node
        assert (tomb.ref, tomb.digest) == (version.ref, version.digest)
        assert tomb.HasField("deleted_at")
        for name in (version.ref, tomb.id):
            assert await runs.others(name, UP) == [ref]

    async def test_a_collection_made_anew_is_another_node(self, runs: RunTeam) -> None:
        first, second = await runs.run("first"), await runs.run("second")
        old = await runs.log(first, content=b"1")
        await runs.team.delete_collection()
        assert await runs.others(old.ref, UP) == [first]
        await runs.log(second, content=b"2")

        assert await runs.others(old.ref, UP) == [second]
        tomb = (await runs.edges(first, DOWN)).neighbours[0].node
        assert (tomb.ref, tomb.HasField("deleted_at")) == (old.ref, True)
        assert await runs.others(tomb.id, UP) == [first]

    async def test_edges_survive_a_rename_with_the_name_of_then(self, runs: RunTeam) -> None:
        ref = await runs.run()
        version = await runs.log(ref)
        await runs.team.rename("songs")
        (edge,) = (await runs.edges(ref)).neighbours
        assert edge.edge.recorded_ref == version.ref
        assert edge.node.ref == version.ref.replace("calls", "songs")
        assert await runs.others(version.ref) == [ref]
        assert await runs.record(logged(ref, version.ref)) == (0, 1)

    async def test_edges_come_in_pages_in_the_order_of_recording(self, runs: RunTeam) -> None:
        version = await runs.team.log({"a": b"1"})
        refs = [await runs.run(f"run{number}") for number in range(5)]
        for ref in reversed(refs):
            await runs.use(ref, version.ref)
        await runs.record(logged(refs[0], version.ref))
        seen: list[str] = []
        token = ""
        while True:
            page = await runs.edges(version.ref, page_size=2, page_token=token)
            seen += [each.node.ref for each in page.neighbours]
            token = page.next_page_token
            if not token:
                break
        assert seen == [*reversed(refs), refs[0]]
        with refused("PAGE_TOKEN_INVALID"):
            first = await runs.edges(version.ref, page_size=2)
            await runs.edges(refs[0], page_token=first.next_page_token)

    async def test_nodes_that_are_none_are_refused(self, runs: RunTeam) -> None:
        version = await runs.team.log({"a": b"1"})
        for name in ("v999999999", "r999999999", runs.team.ref(":v9"), f"{runs.name}/b/runs/no"):
            with refused("RESOURCE_NOT_FOUND"):
                await runs.edges(name)
        for name in ("", "nonsense", "x1", "a/b/c/d", "a/b/c/d/e"):
            with refused("FIELD_VIOLATION"):
                await runs.edges(name)
        assert (await runs.edges(version.ref)).node.ref == version.ref


async def node(runs: RunTeam, name: str) -> str:
    """Return the id of a node."""
    return (await runs.edges(name)).node.id
