"""A parent for the test of orphans: starts two workers, one of which hangs in a call, and prints their pids."""

import asyncio
import time

from deployments.isolation.spec import WorkerSpec
from deployments.isolation.worker_pool import WorkerPool


async def main() -> None:
    pool = WorkerPool(WorkerSpec("orphan test", "tests.unit.isolation.targets:open_actions"), size=1, spares=1)
    await pool.start()
    while len(pool.pids) < 2:
        await asyncio.sleep(0.01)
    await anext(pool.call({"do": "hang"}, deadline_s=30))
    print(*pool.pids, flush=True)
    time.sleep(60)


if __name__ == "__main__":
    asyncio.run(main())
