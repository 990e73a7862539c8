"""Tells the server what is served, again and again, and at last that it no longer is."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from hydria.client import AsyncClient
from hydria.deployments import AsyncDeployments
from hydria.errors import HydriaError
from hydria.following.records import FollowOptions
from hydria.refs import CollectionName

_END_SECONDS = 5.0
_RETRY_SECONDS = 5.0
_HOST_CHARACTERS = 256
_RENEWALS = 3


class DeploymentLease:
    """The deployment of one follower."""

    def __init__(
        self,
        client: AsyncClient,
        name: CollectionName,
        alias: str,
        options: FollowOptions,
        *,
        directory: str,
        on_failure: Callable[[str, str], None],
    ) -> None:
        """Report nothing yet. `on_failure` is told the ref and the problem when one begins."""
        self._deployments: AsyncDeployments = client.deployments
        self._entity = name.entity
        self._alias = alias
        self._options = options
        self._name = options.name or name.collection
        self._host = options.host or f"{socket.gethostname()}:{directory}"[-_HOST_CHARACTERS:]
        self._on_failure = on_failure
        self._ref = ""
        self._is_reported = False
        self._has_failed = False
        self._is_changed = asyncio.Event()

    def serve(self, version_ref: str) -> None:
        """Report this version from now on."""
        self._ref = version_ref
        self._is_changed.set()

    async def run(self) -> None:
        """Renew the lease until cancelled; end the deployment then."""
        if not self._options.is_reported:
            return
        try:
            while True:
                seconds = await self._report() if self._ref else None
                try:
                    async with asyncio.timeout(seconds):
                        await self._is_changed.wait()
                except TimeoutError:
                    continue
        finally:
            if self._is_reported:
                await self._end()

    async def _report(self) -> float:
        """Report once; return after how many seconds to do it again."""
        self._is_changed.clear()
        renew_seconds = self._options.lease_seconds / _RENEWALS
        try:
            self._is_reported = True  # it may have arrived, whatever the answer is
            await self._deployments.report(
                self._ref,
                name=self._name,
                host=self._host,
                labels=self._options.labels,
                alias=self._alias,
                lease_seconds=self._options.lease_seconds,
            )
        except HydriaError as error:
            if not self._has_failed:
                self._on_failure(self._ref, error.message)
            self._has_failed = True
            return min(renew_seconds, _RETRY_SECONDS)
        self._has_failed = False
        return renew_seconds

    async def _end(self) -> None:
        """Say that it is over; without an answer the lease runs out by itself."""
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._deployments.end(name=self._name, host=self._host, entity=self._entity)
        except (HydriaError, TimeoutError):
            return
