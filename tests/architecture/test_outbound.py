"""Whoever asks another server does it through ``deployments/outbound``, or stands on a list here with a reason."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source_files import shipped_files

CHECKED = "deployments/outbound/"
EXCEPTIONS = {
    "deployments/command/readiness.py": "`secretary status` asks the secretary of this machine, at its own address",
    "deployments/command/startup.py": "`secretary up` waits for the doors that it has started itself",
    "bots/telegram/token_redaction.py": "base of the next one: keeps the token, a part of Telegram's addresses, secret",
    "bots/telegram/checked_session.py": "aiogram needs aiohttp: this session asks the policy",
}
CLIENTS = {
    "httpx": {
        *("Client", "AsyncClient", "HTTPTransport", "AsyncHTTPTransport", "stream", "request"),
        *("get", "post", "put", "patch", "delete", "head", "options"),
    },
    "aiohttp": {"ClientSession", "TCPConnector", "request"},
    "aiogram.client.session.aiohttp": {"AiohttpSession"},
    "asyncio": {"open_connection"},
    "socket": {"create_connection"},
}
"""What makes connections or something that makes them, by the module it comes from."""
LIBRARIES = {
    *("urllib.request", "urllib3", "requests", "http.client", "httpcore", "ftplib", "smtplib", "xmlrpc.client"),
    *("websockets", "websocket", "huggingface_hub", "openai", "litellm", "curl_cffi", "pycurl"),
}
"""Modules that have no other purpose."""


def clients(tree: ast.Module) -> Iterator[str]:
    """What makes connections of its own, by name; a mention is enough."""
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                modules[alias.asname or alias.name] = alias.name
                yield from _named(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield from _named(node.module, alias.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in modules:
            yield from _named(modules[ast.unparse(node.value)], node.attr)


def _named(module: str, name: str = "") -> Iterator[str]:
    whole = f"{module}.{name}".rstrip(".")
    if name in CLIENTS.get(module, ()) or any(f"{whole}.".startswith(f"{library}.") for library in LIBRARIES):
        yield whole


def _askers() -> dict[str, set[str]]:
    found = {
        source.name: set(clients(source.tree)) for source in shipped_files() if not source.name.startswith(CHECKED)
    }
    return {name: names for name, names in found.items() if names}


def test_only_the_checked_client_asks_other_servers() -> None:
    askers = {name: names for name, names in _askers().items() if name not in EXCEPTIONS}
    assert askers == {}, "use CheckedClient or BlockingClient of deployments/outbound"


def test_every_exception_is_still_needed() -> None:
    assert set(EXCEPTIONS) <= set(_askers())


def test_the_checked_client_itself_would_be_noticed() -> None:
    checked = {
        source.name for source in shipped_files() if source.name.startswith(CHECKED) and set(clients(source.tree))
    }
    assert {"deployments/outbound/client.py", "deployments/outbound/transport.py"} <= checked


@pytest.mark.parametrize(
    "code",
    [
        "import httpx\nhttpx.Client()",
        "import httpx as web\nasync def f():\n    async with web.AsyncClient() as c: ...",
        "def f():\n    from httpx import AsyncClient",
        "import httpx\nhttpx.get('https://example.org')",
        "import urllib.request",
        "from urllib import request",
        "from urllib.request import urlopen",
        "import requests",
        "from aiohttp import ClientSession",
        "from aiogram.client.session.aiohttp import AiohttpSession",
        "import http.client as plain",
        "from http import client",
        "from websockets.asyncio.client import connect",
    ],
)
def test_a_client_is_noticed(code: str) -> None:
    assert set(clients(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "from starlette.requests import Request",
        "import httpx\nhttpx.URL('https://example.org').host\nhttpx.create_ssl_context()",
        "from urllib.parse import quote",
        "from http import HTTPStatus",
        "from deployments.outbound.client import CheckedClient\nCheckedClient(policy)",
        "client.get('/')",
    ],
)
def test_what_makes_no_connection_is_left_alone(code: str) -> None:
    assert not set(clients(ast.parse(code)))
