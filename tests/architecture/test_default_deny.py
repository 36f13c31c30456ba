"""Nothing answers a stranger but what stands on the list here: who adds a public route adds it to the list, in view."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tests.architecture.endpoint_access import Endpoint, check_endpoints
from tests.architecture.role_access import find_allowed_roles, read_role_table

ROOT = Path(__file__).parents[2]
PUBLIC = {
    ("door", "GET", "/health"),
    ("door", "HEAD", "/health"),
    ("door", "GET", "/ready"),
    ("door", "HEAD", "/ready"),
    # Open WebUI asks for these two without a key.
    ("door", "GET", "/v1/audio/models"),
    ("door", "HEAD", "/v1/audio/models"),
    ("door", "GET", "/v1/audio/voices"),
    ("door", "HEAD", "/v1/audio/voices"),
    ("phone", "GET", "/health"),
    ("office", "POST", "/auth/login"),
    ("office", "POST", "/auth/refresh"),
    ("office", "GET", "/auth/status"),
    # These two lead to the panel, which has a guard of its own.
    ("office", "GET", "/"),
    ("office", "HEAD", "/"),
    ("office", "GET", "/ui"),
    ("office", "HEAD", "/ui"),
    ("office", "GET", "/ui/login"),
    ("office", "GET", "/ui/favicon.ico"),
    ("office", "HEAD", "/ui/favicon.ico"),
    ("office", "GET", "/ui/assets/x"),
}


@pytest.fixture(scope="module")
def everything() -> dict[tuple[str, str, str], dict[str, object]]:
    """What a stranger gets at every place, by (application, kind, path)."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.architecture.endpoint_access"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return {(each["application"], each["kind"], each["path"]): each for each in found}


def test_every_application_was_looked_at(everything: dict[tuple[str, str, str], dict[str, object]]) -> None:
    applications = [application for application, _, _ in everything]
    least = {"door": 12, "phone": 2, "office": 150}
    assert {name: applications.count(name) >= count for name, count in least.items()} == dict.fromkeys(least, True)
    assert ("phone", "WS", "/tts") in everything
    assert ("office", "DELETE", "/users/1") in everything
    assert ("office", "POST", "/ui/password") in everything


def test_a_stranger_is_refused_everywhere_else(everything: dict[tuple[str, str, str], dict[str, object]]) -> None:
    opened = {place for place, finding in everything.items() if finding["open"]}
    assert opened - PUBLIC == set()
    assert PUBLIC - set(everything) == set(), "the list names something that is not there"


async def test_every_route_takes_the_role_that_the_table_says(
    everything: dict[tuple[str, str, str], dict[str, object]],
) -> None:
    places = [Endpoint(*place) for place in everything if place[0] == "office" and not _is_of_the_panel(place[2])]
    found, table = await find_allowed_roles(places), read_role_table()
    wrong = {place: sorted(found.get(place, ())) for place in {*found, *table} if found.get(place) != table.get(place)}
    assert wrong == {}, "write down in tests/architecture/roles.txt who may do this, if it is meant"


async def test_a_path_that_nobody_wrote_down_takes_an_administrator() -> None:
    places = (
        Endpoint("office", "GET", "/nowhere"),
        Endpoint("office", "GET", "/faqs"),
        Endpoint("office", "WS", "/nowhere"),
    )
    assert set((await find_allowed_roles(places)).values()) == {frozenset({"admin"})}


def _is_of_the_panel(path: str) -> bool:
    """Has a guard of its own."""
    return path in ("/", "/ui") or path.startswith("/ui/")


async def test_a_public_route_would_be_seen() -> None:
    app = FastAPI()

    @app.get("/open/{number}")
    async def opened(number: int) -> int:
        return number

    @app.websocket("/talk")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()

    async def inside(request: object) -> PlainTextResponse:
        return PlainTextResponse("hello")

    router = APIRouter(prefix="/area")
    router.add_api_route("/thing/{name}", opened, methods=["DELETE"])
    app.include_router(router)
    app.router.routes.append(Mount("/below", routes=[Route("/page", inside)]))
    found = {finding.endpoint: finding.open for finding in await check_endpoints("app", app)}
    expected = {("GET", "/open/1"), ("WS", "/talk"), ("GET", "/below/page"), ("DELETE", "/area/thing/1")}
    assert {kind for kind in expected if found[Endpoint("app", *kind)]} == expected
