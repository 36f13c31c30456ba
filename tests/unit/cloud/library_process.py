"""Run as a process: answers through each wire format and prints what was connected to, loaded and called back."""

import asyncio
import json
import os
import sys
import threading

from deployments.contracts.provider_kinds import PROVIDER_KINDS
from tests.servers.cloud_provider import cloud_provider
from tests.unit.cloud.engines import answer, cloud_engine, question

contacted: set[object] = set()


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        contacted.add(str(arguments[1]))
    elif event == "socket.getaddrinfo" and arguments[0] not in ("127.0.0.1", None):
        contacted.add(str(arguments[0]))


async def _answer_everywhere() -> list[str]:
    ports = []
    for kind in ("openai", "claude", "gemini", "openrouter", "deepseek"):
        async with cloud_provider(PROVIDER_KINDS[kind].dialect) as server, cloud_engine(server, kind) as engine:
            assert await answer(engine, question()) == "one two three four five"
            ports.append(str(("127.0.0.1", server.port)))
    return ports


def main() -> None:
    sys.addaudithook(_watch)
    before = "litellm" in sys.modules
    ports = asyncio.run(_answer_everywhere())
    import litellm

    json.dump(
        {
            "others": sorted(contacted - set(ports)),
            "imported_early": before,
            "callbacks": [len(litellm.callbacks), len(litellm.success_callback), len(litellm.failure_callback)],
            "drop_params": litellm.drop_params,
            "from_dot_env": os.environ.get("FROM_DOT_ENV"),
            "threads": [each.name for each in threading.enumerate() if each is not threading.main_thread()],
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
