"""The registry service through the wire: deployments, and what they keep from being deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from hydria.v1 import artifact_pb2, registry_pb2
from tests.clocks import ManualClock
from tests.refusals import refused
from tests.shelves import Shelf, registry_stub
from tests.teams import Team

LIVE, LOST, ENDED = (
    registry_pb2.DEPLOYMENT_STATE_LIVE,
    registry_pb2.DEPLOYMENT_STATE_LOST,
    registry_pb2.DEPLOYMENT_STATE_ENDED,
)


@dataclass(frozen=True, slots=True)
class Serving:
    """Calls of one that serves versions of a team."""

    team: Team
    name: str = "api"
    host: str = "pod-1"

    async def report(
        self,
        ref: str,
        *,
        alias: str = "",
        labels: Mapping[str, str] | None = None,
        lease_seconds: int = 0,
    ) -> registry_pb2.Deployment:
        request = registry_pb2.ReportDeploymentRequest(
            version_ref=ref,
            name=self.name,
            host=self.host,
            labels=labels,
            alias=alias,
            lease_seconds=lease_seconds,
        )
        return (await registry_stub(self.team.server).ReportDeployment(request)).deployment

    async def end(self) -> registry_pb2.Deployment:
        request = registry_pb2.EndDeploymentRequest(
            entity=self.team.name, name=self.name, host=self.host
        )
        return (await registry_stub(self.team.server).EndDeployment(request)).deployment


async def listed(
    team: Team, *, project: str = "", collection: str = "", filter: str = "", order_by: str = ""
) -> Sequence[registry_pb2.Deployment]:
    """Return all deployments that are listed, two to a page."""
    found: list[registry_pb2.Deployment] = []
    token = ""
    while True:
        page = await registry_stub(team.server).ListDeployments(
            registry_pb2.ListDeploymentsRequest(
                entity=team.name,
                project=project,
                collection=collection,
                filter=filter,
                order_by=order_by,
                page_size=2,
                page_token=token,
            )
        )
        found += page.deployments
        token = page.next_page_token
        if not token:
            return found


async def two_links(team: Team) -> Shelf:
    """Return a registered model with v0 and v1; `production` is v0."""
    shelf = Shelf.of(team)
    for content, aliases in ((b"0", ["production"]), (b"1", [])):
        await team.log({"a": content})
        await shelf.link(team.ref(), aliases=aliases)
    return shelf


class DeploymentsContract:
    """Whoever serves a version says so, and is believed for a while."""

    async def test_a_report_says_who_serves_what_and_since_when(self, team: Team) -> None:
        shelf = await two_links(team)
        api = Serving(team)
        first = await api.report(
            shelf.ref(":production"), alias="production", labels={"zone": "eu=1"}
        )
        assert (first.version_ref, first.entity) == (shelf.ref(":v0"), team.name)
        assert (first.name, first.host, dict(first.labels)) == ("api", "pod-1", {"zone": "eu=1"})
        assert (first.alias, first.alias_version, first.current) == ("production", "v0", True)
        assert first.state == LIVE
        assert first.expires_at.ToMicroseconds() - first.updated_at.ToMicroseconds() == 60_000_000
        again = await api.report(shelf.ref(":v0"), alias="production", lease_seconds=5)
        assert (again.created_at, again.serving_since) == (first.created_at, first.serving_since)
        assert again.updated_at.ToMicroseconds() > first.updated_at.ToMicroseconds()
        assert not again.labels
        moved = await api.report(shelf.ref(":v1"), alias="production")
        assert (moved.created_at, moved.serving_since) == (first.created_at, moved.updated_at)
        assert (moved.current, moved.alias_version) == (False, "v0")
        assert await listed(team) == [moved]

    async def test_a_deployment_is_found_by_its_collection_and_by_filters(
        self, team: Team, clock: ManualClock
    ) -> None:
        shelf = await two_links(team)
        for host, ref, alias, zone in (
            ("a", ":v0", "production", "eu"),
            ("b", ":v1", "production", "us"),
            ("c", ":v1", "", "us"),
        ):
            await Serving(team, host=host).report(
                shelf.ref(ref), alias=alias, labels={"zone": zone}
            )
        await Serving(team, host="source").report(team.ref(":v0"), alias="absent")
        model = {"project": "model-registry", "collection": shelf.team.collection}
        assert [each.host for each in await listed(team)] == ["source", "c", "b", "a"]
        assert [each.host for each in await listed(team, **model)] == ["c", "b", "a"]
        assert len(await listed(team, project="model-registry")) == 3
        assert [each.host for each in await listed(team, order_by="host")] == [
            *("a", "b", "c"),
            "source",
        ]
        for filter, hosts in (
            ("current = false", ["b", "source"]),
            ("version = 1", ["b", "c"]),
            ('label:"zone=us"', ["b", "c"]),
            ('label:"zone=*" alias = production', ["a", "b"]),
            ("state = LIVE host = a", ["a"]),
            ("state = LOST", []),
        ):
            found = await listed(team, filter=filter, order_by="host")
            assert [each.host for each in found] == hosts, filter

    async def test_one_whose_lease_ran_out_is_lost_and_not_dropped(
        self, team: Team, clock: ManualClock
    ) -> None:
        shelf = await two_links(team)
        api = Serving(team)
        first = await api.report(shelf.ref(":v0"), lease_seconds=5)
        clock.advance(6)
        (lost,) = await listed(team)
        assert (lost.state, lost.serving_since) == (LOST, first.serving_since)
        assert await listed(team, filter="state = LIVE") == []
        back = await api.report(shelf.ref(":v0"))
        assert (back.state, back.serving_since) == (LIVE, first.serving_since)

    async def test_one_that_ended_is_listed_where_it_is_asked_for(
        self, team: Team, clock: ManualClock
    ) -> None:
        shelf = await two_links(team)
        api = Serving(team)
        first = await api.report(shelf.ref(":v0"))
        ended = await api.end()
        assert (ended.state, ended.expires_at) == (ENDED, ended.updated_at)
        assert await api.end() == ended
        assert await listed(team) == []
        assert await listed(team, filter="state = ENDED") == [ended]
        again = await api.report(shelf.ref(":v0"))
        assert again.serving_since.ToMicroseconds() > first.serving_since.ToMicroseconds()
        with refused("RESOURCE_NOT_FOUND"):
            await Serving(team, host="elsewhere").end()

    async def test_what_is_served_cannot_be_deleted_even_by_force(
        self, team: Team, clock: ManualClock
    ) -> None:
        shelf = await two_links(team)
        api = Serving(team)
        await api.report(shelf.ref(":v0"))
        stub = team.server.stub
        for ref in (shelf.ref(":v0"), team.ref(":v0")):
            with refused("RESOURCE_IN_USE") as refusal:
                await stub.DeleteVersion(
                    artifact_pb2.DeleteVersionRequest(ref=ref, delete_aliases=True, force=True)
                )
            assert refusal.metadata == {"deployments": "api on pod-1"}
        with refused("RESOURCE_IN_USE"):
            await shelf.unlink(":v0", delete_aliases=True)
        for name in (team, shelf.team):
            with refused("RESOURCE_IN_USE"):
                await stub.DeleteCollection(
                    artifact_pb2.DeleteCollectionRequest(
                        entity=name.name,
                        project=name.project,
                        collection=name.collection,
                        force=True,
                    )
                )
        assert (await shelf.team.version(":production")).ref == shelf.ref(":v0")
        await shelf.unlink(":v1", delete_aliases=True)  # nobody serves it
        clock.advance(61)
        await shelf.unlink(":v0", delete_aliases=True)
        (lost,) = await listed(team)
        assert (lost.version_ref, lost.state) == (shelf.ref(":v0"), LOST)
        with refused("VERSION_DELETED"):
            await api.report(shelf.ref(":v0"))

    async def test_a_registry_of_which_something_is_served_stays(self, team: Team) -> None:
        await team.log({"a": b"0"})
        stub = registry_stub(team.server)
        await stub.CreateRegistry(
            registry_pb2.CreateRegistryRequest(entity=team.name, registry="registry-field")
        )
        shelf = Shelf.of(team, registry="registry-field")
        await shelf.link(team.ref())
        api = Serving(team)
        await api.report(shelf.ref())
        request = registry_pb2.DeleteRegistryRequest(
            entity=team.name, registry="registry-field", force=True
        )
        with refused("RESOURCE_IN_USE"):
            await stub.DeleteRegistry(request)
        await api.end()
        await stub.DeleteRegistry(request)
        assert await listed(team) == []

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"version_ref": "acme"}, "FIELD_VIOLATION"),
            ({"name": ""}, "NAME_INVALID"),
            ({"name": "a/b"}, "NAME_INVALID"),
            ({"host": ""}, "FIELD_VIOLATION"),
            ({"host": "h" * 257}, "FIELD_VIOLATION"),
            ({"host": "a\nb"}, "FIELD_VIOLATION"),
            ({"alias": "a:b"}, "NAME_INVALID"),
            ({"lease_seconds": 4}, "FIELD_VIOLATION"),
            ({"lease_seconds": -1}, "FIELD_VIOLATION"),
            ({"lease_seconds": 86_401}, "FIELD_VIOLATION"),
            ({"labels": {"a=b": "c"}}, "FIELD_VIOLATION"),
            ({"labels": {"": "c"}}, "NAME_INVALID"),
            ({"labels": {"a": "c" * 257}}, "FIELD_VIOLATION"),
            ({"labels": {f"k{at}": "" for at in range(65)}}, "FIELD_VIOLATION"),
        ],
    )
    async def test_a_malformed_report_is_refused(
        self, team: Team, changes: Mapping[str, object], reason: str
    ) -> None:
        await team.log({"a": b"0"})
        said = {"version_ref": team.ref(), "name": "api", "host": "pod-1", **changes}
        with refused(reason):
            await registry_stub(team.server).ReportDeployment(
                registry_pb2.ReportDeploymentRequest(**said)  # type: ignore[arg-type]
            )

    async def test_malformed_lists_are_refused_and_unknown_ones_are_not_found(
        self, team: Team
    ) -> None:
        assert await listed(team) == []
        for filter in ("state = GONE", "current = maybe", "zone = eu", "version = x"):
            with refused("FILTER_INVALID"):
                await listed(team, filter=filter)
        with refused("FIELD_VIOLATION"):
            await listed(team, collection="c")
        with refused("RESOURCE_NOT_FOUND"):
            await listed(team, project="nowhere")
