"""Run as a process: starts a core, prints its process id and waits to be killed."""

import asyncio
import sys

from proxies.core_process import ProxyCore
from proxies.links import parse_link
from tests.proxies.links import TCP
from tests.proxies.proxied_door import find_v2ray


async def main() -> None:
    core = ProxyCore([parse_link(TCP)], find_v2ray)  # type: ignore[list-item]
    await core.ensure()
    print(core.pid, flush=True)
    await asyncio.sleep(60)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
