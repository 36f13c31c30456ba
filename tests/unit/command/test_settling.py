"""Waiting for engines and doors at the end of a start: engines are scripted, the doors are a real HTTP server."""

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
NOW, LONG = 0.0, 20.0


class ScriptedDeployment:
    """A deployment that says ``script`` one by one and then repeats the last."""

    def __init__(self, *script: EngineStatus) -> None:
        self.script = list(script)
        self.watched: list[bool] = []

    async def start(self) -> None:
        self.watched.append(True)

    async def stop(self) -> None:
        self.watched.append(False)

    def statuses(self) -> tuple[EngineStatus, ...]:
        return (self.script.pop(0) if len(self.script) > 1 else self.script[0],)


@pytest.fixture
def doors() -> Iterator[tuple[str, dict[str, int]]]:
    """Address of two doors, and the status with which each answers."""
    answers = {"/ready": 200, "/admin/ui/": 303}

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers[self.path])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", answers
    server.shutdown()
    server.server_close()


async def told(url: str, *engines: ScriptedDeployment, patience_s: float = LONG) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    await StartupMonitor(engines, url, lambda kind, text: said.append((kind, text))).wait(lambda: False, patience_s)
    return said


async def test_each_engine_is_named_once_when_it_is_ready_or_will_not_be(doors: tuple[str, dict[str, int]]) -> None:
    good, bad = (
        ScriptedDeployment(LOADING, LOADING, READY),
        ScriptedDeployment(replace(MISSING, name="voice", kind="speech")),
    )
    assert await told(doors[0], good, bad) == [
        ("speech", "the model x is missing"),
        ("chat", "llama_cpp smollm2 ready"),
    ]
    assert good.watched == [True, False]


async def test_weights_that_take_long_do_not_end_the_secretary(doors: tuple[str, dict[str, int]]) -> None:
    said = await told(doors[0], ScriptedDeployment(LOADING), patience_s=NOW)
    assert said == [("chat", "chat still loads; `secretary status` says when it is ready")]


@pytest.mark.parametrize(("door", "status"), [("/ready", 503), ("/admin/ui/", 502)])
async def test_doors_that_stay_shut_end_the_start(doors: tuple[str, dict[str, int]], door: str, status: int) -> None:
    url, answers = doors
    answers[door] = status
    engine = ScriptedDeployment(READY)
    with pytest.raises(Unavailable, match="the doors do not answer after 0 s"):
        await told(url, engine, patience_s=NOW)
    assert engine.watched == [True, False]


async def test_asked_to_end_it_waits_no_longer() -> None:
    engine = ScriptedDeployment(LOADING)
    await StartupMonitor([engine], "http://127.0.0.1:9", lambda *_: None).wait(lambda: True, LONG)
    assert engine.watched == [True, False]
