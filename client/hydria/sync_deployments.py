"""Who serves which version, without await: `Client.deployments`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hydria.deployment_records import Deployment
from hydria.deployments import LEASE_SECONDS, AsyncDeployments
from hydria.loop_thread import LoopThread


class SyncDeployments:
    """Every method as that of `AsyncDeployments`. Lists are iterators."""

    def __init__(self, deployments: AsyncDeployments, loop: LoopThread) -> None:
        self._deployments = deployments
        self._loop = loop

    def report(
        self,
        ref: str,
        *,
        name: str,
        host: str,
        labels: Mapping[str, str] | None = None,
        alias: str = "",
        lease_seconds: int = LEASE_SECONDS,
    ) -> Deployment:
        return self._loop.run(
            self._deployments.report(
                ref,
                name=name,
                host=host,
                labels=labels,
                alias=alias,
                lease_seconds=lease_seconds,
            )
        )

    def end(self, *, name: str, host: str, entity: str = "") -> Deployment:
        return self._loop.run(self._deployments.end(name=name, host=host, entity=entity))

    def list(
        self, where: str = "", *, filter: str = "", order_by: str = ""
    ) -> Iterator[Deployment]:
        pages = self._deployments.list(where, filter=filter, order_by=order_by)
        for page in self._loop.iterate(pages.pages()):
            yield from page
