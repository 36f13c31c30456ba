"""Every endpoint refuses a request without credentials, unless it is in PUBLIC."""

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
    ("door", "GET", "/"),  # the names of the endpoints; a browser is redirected to the panel
    ("door", "HEAD", "/"),
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
    # These two redirect to the panel, which has its own guard.
    ("office", "GET", "/"),
    ("office", "HEAD", "/"),
    ("office", "GET", "/ui"),
    ("office", "HEAD", "/ui"),
    ("office", "GET", "/ui/login"),
    ("office", "GET", "/ui/favicon.ico"),
    ("office", "HEAD", "/ui/favicon.ico"),
    ("office", "GET", "/ui/assets/x"),
    # The manifest and the service worker of the app, which hold no data.
    ("office", "GET", "/ui/manifest.webmanifest"),
    ("office", "GET", "/ui/service-worker.js"),
    ("office", "GET", "/ui/assets/panel.css"),
}


@pytest.fixture(scope="module")
def results() -> dict[tuple[str, str, str], dict[str, object]]:
    """Results by (application, kind, path)."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.architecture.endpoint_access"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return {(each["application"], each["kind"], each["path"]): each for each in found}


def test_every_application_is_checked(results: dict[tuple[str, str, str], dict[str, object]]) -> None:
    applications = [application for application, _, _ in results]
    least = {"door": 12, "phone": 2, "office": 150}
    assert {name: applications.count(name) >= count for name, count in least.items()} == dict.fromkeys(least, True)
    assert ("phone", "WS", "/tts") in results
    assert ("office", "DELETE", "/users/1") in results
    assert ("office", "POST", "/ui/password") in results


def test_no_credentials_refused_unless_public(results: dict[tuple[str, str, str], dict[str, object]]) -> None:
    opened = {place for place, finding in results.items() if finding["open"]}
    assert opened - PUBLIC == set()
    assert PUBLIC - set(results) == set(), "PUBLIC has an endpoint that does not exist"


async def test_route_allows_roles_of_table(
    results: dict[tuple[str, str, str], dict[str, object]],
) -> None:
    places = [Endpoint(*place) for place in results if place[0] == "office" and not _is_panel(place[2])]
    found, table = await find_allowed_roles(places), read_role_table()
    wrong = {place: sorted(found.get(place, ())) for place in {*found, *table} if found.get(place) != table.get(place)}
    assert wrong == {}, "the expected roles are in tests/architecture/roles.txt"


async def test_unknown_path_needs_administrator() -> None:
    places = (
        Endpoint("office", "GET", "/nowhere"),
        Endpoint("office", "GET", "/faqs"),
        Endpoint("office", "WS", "/nowhere"),
    )
    assert set((await find_allowed_roles(places)).values()) == {frozenset({"admin"})}


def _is_panel(path: str) -> bool:
    """The panel has its own guard."""
    return path in ("/", "/ui") or path.startswith("/ui/")


async def test_nested_public_routes_are_found() -> None:
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
