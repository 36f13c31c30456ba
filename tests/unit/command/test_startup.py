"""StartupMonitor with scripted engines and a real HTTP server."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deployments.command.startup import StartupMonitor
from deployments.contracts.errors import Unavailable
from deployments.contracts.speech import EngineStatus

LOADING = EngineStatus("chat", "chat", "llama_cpp", ready=False, error="starting", loading=True)
READY = replace(LOADING, ready=True, error="", loading=False, model="smollm2")
MISSING = replace(LOADING, error="the model x is missing", loading=False)
NO_TIME_S, LONG_S = 0.0, 20.0


class ScriptedDeployment:
    """Reports the statuses of ``script`` one by one and then repeats the last."""

    def __init__(self, *script: EngineStatus) -> None:
        self.script = list(script)
        self.started: list[bool] = []

    async def start(self) -> None:
        self.started.append(True)

    async def stop(self) -> None:
        self.started.append(False)

    def statuses(self) -> tuple[EngineStatus, ...]:
        return (self.script.pop(0) if len(self.script) > 1 else self.script[0],)


@pytest.fixture
def doors() -> Iterator[tuple[str, dict[str, int]]]:
    """The base URL of two doors and the HTTP status of each path."""
    statuses_by_path = {"/ready": 200, "/admin/ui/": 303}

    class DoorHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses_by_path[self.path])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """No log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), DoorHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", statuses_by_path
    server.shutdown()
    server.server_close()


async def reports(url: str, *engines: ScriptedDeployment, timeout_s: float = LONG_S) -> list[tuple[str, str]]:
    reported: list[tuple[str, str]] = []
    await StartupMonitor(engines, url, lambda kind, text: reported.append((kind, text))).wait(lambda: False, timeout_s)
    return reported


async def test_startup_reports_each_engine_once(doors: tuple[str, dict[str, int]]) -> None:
    good, bad = (
        ScriptedDeployment(LOADING, LOADING, READY),
        ScriptedDeployment(replace(MISSING, name="voice", kind="speech")),
    )
    assert await reports(doors[0], good, bad) == [
        ("speech", "the model x is missing"),
        ("chat", "llama_cpp smollm2 ready"),
    ]
    assert good.started == [True, False]


async def test_startup_reports_each_phase_of_loading(doors: tuple[str, dict[str, int]]) -> None:
    phases = [replace(LOADING, progress=f"loading weights {percent} %") for percent in (3, 40, 90)]
    engine = ScriptedDeployment(LOADING, *phases, *[replace(LOADING, progress="warming up")] * 2, READY)
    assert [text for _, text in await reports(doors[0], engine)] == [
        "loading weights",
        "warming up",
        "llama_cpp smollm2 ready",
    ]


async def test_startup_timeout_reports_loading_engine(doors: tuple[str, dict[str, int]]) -> None:
    reported = await reports(doors[0], ScriptedDeployment(LOADING), timeout_s=NO_TIME_S)
    assert reported == [("chat", reported[0][1])]
    assert "still loading" in reported[0][1]


@pytest.mark.parametrize(("door", "status"), [("/ready", 503), ("/admin/ui/", 502)])
async def test_startup_silent_door_raises(doors: tuple[str, dict[str, int]], door: str, status: int) -> None:
    url, statuses_by_path = doors
    statuses_by_path[door] = status
    engine = ScriptedDeployment(READY)
    with pytest.raises(Unavailable):
        await reports(url, engine, timeout_s=NO_TIME_S)
    assert engine.started == [True, False]


async def test_startup_cancelled_returns() -> None:
    engine = ScriptedDeployment(LOADING)
    await StartupMonitor([engine], "http://127.0.0.1:9", lambda *_: None).wait(lambda: True, LONG_S)
    assert engine.started == [True, False]
