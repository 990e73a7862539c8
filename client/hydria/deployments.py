"""Who serves which version: `AsyncClient.deployments`."""

from __future__ import annotations

from collections.abc import Mapping

from hydria.connection import Connection
from hydria.deployment_messages import deployment_of
from hydria.deployment_records import Deployment
from hydria.errors import RefInvalidError
from hydria.pages import PAGE_SIZE, Pages
from hydria.refs import Defaults
from hydria.v1 import registry_pb2 as pb

LEASE_SECONDS = 60


class AsyncDeployments:
    """Says who serves what, and lists it.

    `ModelFollower` and `hydria registry follow` report by themselves. Whoever serves versions
    another way calls `report` when it begins, when it moves, and a few times in each lease.
    """

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        self._connection = connection
        self._defaults = defaults

    async def report(
        self,
        ref: str,
        *,
        name: str,
        host: str,
        labels: Mapping[str, str] | None = None,
        alias: str = "",
        lease_seconds: int = LEASE_SECONDS,
    ) -> Deployment:
        """Say that a version is served, or still is. While that is believed it cannot be deleted.

        Args:
            ref: the version or link that is served.
            name: what serves it calls itself.
            host: where it runs.
            labels: words about it; they replace those of the report before.
            alias: the alias of the version's collection that it follows, if it follows one.
            lease_seconds: for how long it is believed: 5 to 86,400.

        Raises:
            NotFoundError: there is no such version, or not any more.
        """
        request = pb.ReportDeploymentRequest(
            version_ref=self._defaults.ref(ref),
            name=name,
            host=host,
            labels=labels,
            alias=alias,
            lease_seconds=lease_seconds,
        )
        method = self._connection.registry_stub.ReportDeployment
        return deployment_of((await self._connection.call(method, request)).deployment)

    async def end(self, *, name: str, host: str, entity: str = "") -> Deployment:
        """Say that a deployment ended. Ending twice is fine.

        Raises:
            NotFoundError: there is none of that name on that host.
        """
        request = pb.EndDeploymentRequest(
            entity=entity or self._defaults.entity, name=name, host=host
        )
        method = self._connection.registry_stub.EndDeployment
        return deployment_of((await self._connection.call(method, request)).deployment)

    def list(self, where: str = "", *, filter: str = "", order_by: str = "") -> Pages[Deployment]:
        """Return who serves versions of what `where` names, the last heard of first.

        Those that ended are left out unless the filter names `state`.

        Args:
            where: `ENTITY[/PROJECT[/NAME]]`; a registry is a project. By default all of the
                default entity.
            filter: e.g. `current = false` for who is behind the alias.
            order_by: e.g. `updated_at desc, name`.

        Raises:
            RefInvalidError: `where` is malformed.
        """
        parts = where.split("/") if where else [self._defaults.entity]
        if len(parts) > 3 or not all(parts):
            raise RefInvalidError(f"{where!r} is not ENTITY[/PROJECT[/NAME]]")
        entity, project, collection = (*parts, "", "")[:3]

        async def fetch(token: str) -> tuple[list[Deployment], str]:
            request = pb.ListDeploymentsRequest(
                entity=entity,
                project=project,
                collection=collection,
                filter=filter,
                order_by=order_by,
                page_size=PAGE_SIZE,
                page_token=token,
            )
            method = self._connection.registry_stub.ListDeployments
            page = await self._connection.call(method, request)
            return [deployment_of(item) for item in page.deployments], page.next_page_token

        return Pages(fetch)
