"""``host_door`` configures the HTTP server of a door."""

from pathlib import Path

import pytest
from ray import serve
from starlette.applications import Starlette
from starlette.types import ASGIApp
from uvicorn import Config
from uvicorn.config import WS_PROTOCOLS
from uvicorn.server import ServerState

from deployments.arguments import Hosting
from deployments.hosting import host_door
from deployments.process_log import close_log


class MinimalDoor:
    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def __serve_build_asgi_app__(self) -> ASGIApp:
        return Starlette()


async def test_host_door_limits_websocket_messages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(WS_PROTOCOLS, "auto", WS_PROTOCOLS["auto"])
    monkeypatch.setenv("SECRETARY_DATA", str(tmp_path))
    try:
        serve.run(host_door(MinimalDoor, Hosting(), "door", max_message_bytes=1_234), _local_testing_mode=True)
    finally:
        close_log()
    config = Config(Starlette())
    config.load()
    assert config.ws_protocol_class is not None
    config.ws_protocol_class(config=config, server_state=ServerState(), app_state={})  # type: ignore[call-arg]
    assert config.ws_max_size == 1_234
