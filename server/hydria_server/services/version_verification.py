"""Reads all that is stored of a version again, and tells what is damaged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from hydria_server.domain.records import VersionRecord
from hydria_server.services.budget import ByteBudget
from hydria_server.services.chunk_audit import ChunkAudit
from hydria_server.services.file_checks import FileChecks
from hydria_server.services.findings import Findings, VerificationStep
from hydria_server.services.hashing import Hashing
from hydria_server.services.manifest_audit import ManifestAudit
from hydria_server.services.manifest_reader import ManifestReader
from hydria_server.services.turns import in_turn
from hydria_server.services.versions import Versions

# Serving goes first: one verification reads and hashes a window at a time between the others.
_AT_ONCE = 1


class VersionVerification:
    """Checks every chunk, recipe, file and part of the manifest, and the version's digest."""

    def __init__(
        self,
        versions: Versions,
        manifests: ManifestReader,
        audit: ChunkAudit,
        hashing: Hashing,
        budget: ByteBudget,
    ) -> None:
        self._versions = versions
        self._manifests = manifests
        self._audit = audit
        self._hashing = hashing
        self._budget = budget
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def open(self, ref: str) -> tuple[VersionRecord, AsyncGenerator[VerificationStep, None]]:
        """Return the version, and the steps of its verification; the last one has the totals.

        Damage is no error here: it is marked, and told in the steps.

        Raises:
            As Versions.get. The steps: StorageUnavailableError.
        """
        version = await self._versions.get(ref)
        return version, in_turn(self._turns, self._steps(version), waiting=VerificationStep())

    async def _steps(self, version: VersionRecord) -> AsyncGenerator[VerificationStep, None]:
        findings = Findings()
        manifest = ManifestAudit(self._audit, self._hashing, version, findings)
        files = FileChecks(self._audit, self._hashing, self._budget, findings)
        domain = await self._manifests.domain(version)
        entries = manifest.entries(domain, await self._manifests.shards(version))
        async with aclosing(entries), aclosing(files.check(domain, entries)) as windows:
            async for _ in windows:
                yield findings.step()
