"""No secret is in a file, a listing, a page or a command line of the running secretary."""

from collections.abc import Iterator

import httpx

from tests.serve.admin_client import AdminClient
from tests.serve.ray_session import ray_session_folder
from tests.serve.secretary_process import API_KEY, PASSWORD, SecretaryProcess
from tests.storage.known_secrets import SECRETS, VLESS_LINK, files_of, find_leaks

ENTERED = {
    "API key of the environment": API_KEY,
    "admin password": PASSWORD,
    **{
        name: SECRETS[name]
        for name in (
            "refused password",
            "Telegram token of the environment",
            "secret key",
            "JWT secret",
            "password of Redis",
            "API key of a provider",
            "user of a VLESS link",
        )
    },
}
_ENDLESS = {"/monitor/gpu/stream"}
_REQUIRED = {
    *("/audit/export", "/audit/logs", "/auth/me", "/backup", "/chat/sessions", "/keys", "/llm/providers", "/logs"),
    *("/monitor/errors", "/monitor/health", "/services/status", "/settings", "/status", "/telegram/instances"),
    *("/telegram/config", "/usage", "/users", "/widget/instances"),
}
"""Listings that must succeed, so that the search is not empty."""


def test_no_secret_leaks_into_files_replies_or_commands(secretary: SecretaryProcess, admin: AdminClient) -> None:
    send_refused_requests(secretary)
    add_provider(admin)
    tokens = {name: str(admin.login()[name]) for name in ("access_token", "refresh_token")}
    replies = [(name, reply.content) for name, reply in (*pages(secretary), *listings(admin))]
    commands = [(f"command line of {p.pid}", " ".join(p.cmdline()).encode()) for p in secretary.processes()]
    files = list(files_of(secretary.data, ray_session_folder(secretary)))
    for part in ("secretary.db", "logs/office.", "logs/gateway.", "/run/", "/session_", "up.log"):
        assert any(part in name for name, _ in files), f"no file of {part} is searched"
    assert find_leaks([*replies, *commands, *files], ENTERED | tokens) == []


def send_refused_requests(secretary: SecretaryProcess) -> None:
    """Requests with a wrong secret, and one with a broken body."""
    wrong = {"Authorization": f"Bearer {ENTERED['refused password']}"}
    assert httpx.get(f"{secretary.url}/v1/models", headers=wrong).status_code == httpx.codes.UNAUTHORIZED
    form = {"username": "admin", "password": ENTERED["refused password"]}
    origin = {"Origin": "https://secretary.example", "Host": "secretary.example"}
    login = httpx.post(f"{secretary.url}/admin/ui/login", data=form, headers=origin)
    assert login.status_code == httpx.codes.UNAUTHORIZED
    broken = httpx.post(f"{secretary.url}/v1/chat/completions", content=b"{", headers=secretary.headers)
    assert broken.status_code == httpx.codes.BAD_REQUEST


def add_provider(admin: AdminClient) -> None:
    body = {
        "name": "Cloud",
        "provider_type": "openai",
        "model_name": "large",
        "api_key": ENTERED["API key of a provider"],
        "vless_urls": [VLESS_LINK],
    }
    admin.post("/llm/providers", body)


def listings(admin: AdminClient) -> Iterator[tuple[str, httpx.Response]]:
    """Every GET route without parameters in the OpenAPI document of the office."""
    paths = admin.get("/openapi.json")["paths"]
    plain = [path for path, verbs in paths.items() if "get" in verbs and "{" not in path and path not in _ENDLESS]
    replies = {path: admin.http.get(path) for path in plain}
    assert {path for path, reply in replies.items() if reply.is_success} >= _REQUIRED
    yield from replies.items()


def pages(secretary: SecretaryProcess) -> Iterator[tuple[str, httpx.Response]]:
    with secretary.http() as http:
        for path in ("/metrics", "/ready", "/health", "/v1/models", "/v1/audio/voices", "/v1/nowhere", "/-/routes"):
            yield path, http.get(path)
