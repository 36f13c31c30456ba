"""Two doors in one process under uvicorn: one checks API keys, the other accepts any key.

``python -m benchmarks.peers.key_doors PORT PORT``; ``BENCHMARK_METRICS`` is the folder for metrics.
"""

import asyncio
import sys
import time

import uvicorn
from fastapi import FastAPI

from benchmarks.peers.plain_app import build
from deployments.api.auth import ApiKeyAuthenticator
from deployments.api.door import Door
from deployments.contracts.api_key import ApiKey


class AcceptAnyKey(ApiKeyAuthenticator):
    """Returns the same key for every request."""

    _KEY = ApiKey(id=1, name="anybody", prefix="", digest="0" * 64)

    def authenticate(self, authorization: bytes) -> ApiKey:
        return self._KEY


def without_key_check(app: FastAPI) -> FastAPI:
    """``app`` without its key check; call it before the first request."""
    door: Door = vars(app)["_door"]
    door.keys = AcceptAnyKey(door.snapshots, time.time)
    return app


async def serve(checked_port: int, unchecked_port: int) -> None:
    doors = ((build(), checked_port), (without_key_check(build()), unchecked_port))
    await asyncio.gather(*(_server(app, port).serve() for app, port in doors))


def _server(app: FastAPI, port: int) -> uvicorn.Server:
    return uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, access_log=False, log_level="warning"))


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
