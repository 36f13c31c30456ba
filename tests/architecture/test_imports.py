"""Import rules that import-linter does not know: who imports Ray, and who opens connections."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.architecture.source_files import shipped_files

MAY_IMPORT_RAY = re.compile(r"serve_app\.py|deployments/\w+\.py|bots/actor\.py")
OUTBOUND = "deployments/outbound/"
EXCEPTIONS = {
    "deployments/command/readiness.py": "`secretary status` asks the secretary of this machine",
    "deployments/command/speech_commands.py": "`secretary say` and `hear` ask the secretary of this machine",
    "deployments/command/startup.py": "`secretary up` waits for its own doors",
    "deployments/engines/cloud/litellm_library.py": "formats and prices only; a test forbids it to connect",
    "proxies/core_check.py": "asks the core that this process has just started",
    "bots/telegram/token_redaction.py": "base class of the next",
    "bots/telegram/tunnelled_connector.py": "aiogram needs aiohttp: this connector goes through the proxies of the bot",
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
"""Names that open connections, by module."""
LIBRARIES = {
    *("urllib.request", "urllib3", "requests", "http.client", "httpcore", "ftplib", "smtplib", "xmlrpc.client"),
    *("websockets", "websocket", "huggingface_hub", "openai", "litellm", "curl_cffi", "pycurl"),
}
"""Modules that exist to open connections."""
_ANY_MODULE = re.compile("|".join(module.partition(".")[0] for module in (*CLIENTS, *LIBRARIES)))


def clients(tree: ast.Module) -> Iterator[str]:
    """The names in ``tree`` that open connections."""
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
        if isinstance(node, ast.Attribute) and (module := modules.get(_dotted_name(node.value))):
            yield from _named(module, node.attr)


def _dotted_name(node: ast.expr) -> str:
    """``a.b`` for a name or an attribute of one, "" for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted_name(node.value)):
        return f"{before}.{node.attr}"
    return ""


def _named(module: str, name: str = "") -> Iterator[str]:
    whole = f"{module}.{name}".rstrip(".")
    if name in CLIENTS.get(module, ()) or any(f"{whole}.".startswith(f"{library}.") for library in LIBRARIES):
        yield whole


@cache
def _users_of_clients() -> dict[str, set[str]]:
    found = {
        source.name: set(clients(source.tree)) for source in shipped_files() if not source.name.startswith(OUTBOUND)
    }
    return {name: names for name, names in found.items() if names}


def test_only_outbound_package_opens_connections() -> None:
    others = {name: names for name, names in _users_of_clients().items() if name not in EXCEPTIONS}
    assert others == {}, "use a client of deployments/outbound"


def test_outbound_exceptions_are_needed() -> None:
    assert set(EXCEPTIONS) <= set(_users_of_clients())


def test_only_deployments_and_bot_actor_import_ray() -> None:
    others = (
        source for source in shipped_files() if "ray" in source.text and not MAY_IMPORT_RAY.fullmatch(source.name)
    )
    assert [s.name for s in others if any(name == "ray" or name.startswith("ray.") for name in s.imports)] == []
