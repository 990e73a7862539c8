"""One step of a workload in a process of its own, so that its memory is its own.

`python -m benchmarks.client_step ADDRESS put NAME PATH CACHE` or `... get REF ROOT CACHE`.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from hydria import AsyncClient


async def main(address: str, step: str, name: str, path: str, cache: str) -> None:
    """Run the step and print what it measured as one JSON object."""
    async with AsyncClient(address, cache_dir=Path(cache)) as client:
        await client.ping()
        started = time.perf_counter()
        if step == "put":
            logged = await client.log(name, path, type="dataset")
            measured = {"sent_bytes": logged.sent_bytes, "created": int(logged.created)}
        else:
            found = await client.download(name, path)
            measured = {"received_bytes": found.received_bytes, "files": found.file_count}
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "client_peak_bytes": peak, **measured}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
