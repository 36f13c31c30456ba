"""Every path and method of the office gets a proper status, also where the panel authenticates by itself."""

import asyncio
from itertools import product

import httpx
import pytest
from httpx import codes

from tests.ui.panel_server import PanelServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATHS = (
    *("", "/", "//", "/nowhere", "/auth/login", "/auth/status", "/settings"),
    *("/ui", "/ui/", "/ui//", "/ui/login", "/ui/login/", "/ui/password", "/ui/logout", "/ui/nowhere", "/ui/%00"),
    *("/ui/assets", "/ui/assets/", "/ui/assets/theme.css", "/ui/assets/none", "/ui/assets/..%2f", "/ui/favicon.ico"),
    *("/ui/_nicegui", "/ui/_nicegui_ws/socket.io/", "/uix"),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
BODIES = {"POST": b"a=1", "PUT": b"\0" * 70_000}
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("signed_in", [False, True], ids=["stranger", "user"])
async def test_no_path_and_method_is_server_error(panel_server: PanelServer, signed_in: bool) -> None:
    cookies = {"secretary_panel": await panel_server.login_cookie()} if signed_in else {}
    headers = {"origin": panel_server.origin}
    async with httpx.AsyncClient(base_url=panel_server.origin, headers=headers, cookies=cookies) as client:
        for method, path in product(METHODS, PATHS):
            if (method, path) == ("POST", "/ui/logout"):
                continue  # it would sign out
            reply = await client.request(method, f"/admin{path}", content=BODIES.get(method))
            assert reply.status_code < 500, (method, path, reply.text[:300])
            assert reply.status_code != codes.METHOD_NOT_ALLOWED or reply.headers["allow"], (method, path)


@pytest.mark.parametrize("path", ["", "/", "/ui"])
async def test_admin_leads_browser_to_panel(panel_server: PanelServer, path: str) -> None:
    async with httpx.AsyncClient(base_url=panel_server.origin, headers=HTML, follow_redirects=True) as client:
        page = await client.get(f"/admin{path}")
    assert (page.status_code, page.url.path) == (codes.OK, "/admin/ui/login")
    assert 'id="password"' in page.text


@pytest.mark.parametrize("path", ["", "/", "/ui"])
async def test_wrong_method_is_json_error_with_allow(panel_server: PanelServer, path: str) -> None:
    async with httpx.AsyncClient(base_url=panel_server.origin) as client:
        reply = await client.post(f"/admin{path}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (codes.METHOD_NOT_ALLOWED, "method_not_allowed")
    assert "GET" in reply.headers["allow"]
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/login", "/password"])
async def test_stalled_form_is_answered_with_408_page(panel_server: PanelServer, path: str) -> None:
    cookie = await panel_server.login_cookie() if path == "/password" else ""
    head = (
        f"POST /admin/ui{path} HTTP/1.1\r\nhost: {panel_server.origin.removeprefix('http://')}\r\n"
        f"origin: {panel_server.origin}\r\ncookie: secretary_panel={cookie}\r\ncontent-length: 100\r\n\r\nusername=a"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(panel_server.url).port)
    writer.write(head.encode())
    async with asyncio.timeout(15):
        reply = await reader.read()
    writer.close()
    assert reply.startswith(b"HTTP/1.1 408 ")
    assert b'role="alert"' in reply
