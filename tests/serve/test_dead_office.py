"""The office is killed and comes back while the gateway answers; nothing that was written meanwhile tells a secret."""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.serve.panel_browser import open_panel, save_faq_entry
from tests.serve.secretary_process import API_KEY, GRAPHS, PASSWORD, SecretaryProcess, running_secretary
from tests.serve.telegram_thread import TelegramServerThread
from tests.storage.known_secrets import SECRETS, VLESS_LINK, files_of, find_leaks

ENTERED = {
    "API key of the environment": API_KEY,
    "admin password": PASSWORD,
    "refused password": SECRETS["refused password"],
    "Telegram token of the environment": SECRETS["Telegram token of the environment"],
    "secret key": SECRETS["secret key"],
    "JWT secret": SECRETS["JWT secret"],
    "password of Redis": SECRETS["password of Redis"],
    "API key of a provider": SECRETS["API key of a provider"],
    "user of a VLESS link": SECRETS["user of a VLESS link"],
}
_ENDLESS = {"/monitor/gpu/stream"}
_SEARCHED = {
    *("/audit/export", "/audit/logs", "/auth/me", "/backup", "/chat/sessions", "/keys", "/llm/providers", "/logs"),
    *("/monitor/errors", "/monitor/health", "/services/status", "/settings", "/status", "/telegram/instances"),
    *("/telegram/config", "/usage", "/users", "/widget/instances"),
}
"""Listings that must have been read, lest the search find nothing because there was nothing."""

_BACK_WITHIN_S = 90.0
_FOLLOWS_WITHIN_S = 5.0


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, telegram: TelegramServerThread) -> Iterator[SecretaryProcess]:
    """Scripted engines, a secret in every variable that takes one, a Redis that is not there, and a bot whose token
    Telegram refuses."""
    variables = {
        "SECRETARY_SECRET_KEY": ENTERED["secret key"],
        "SECRETARY_JWT_SECRET": ENTERED["JWT secret"],
        "REDIS_URL": f"redis://:{ENTERED['password of Redis']}@127.0.0.1:1/0",
        "SECRETARY_TELEGRAM_TOKEN": ENTERED["Telegram token of the environment"],
        "SECRETARY_TELEGRAM_API_URL": telegram.url,
    }
    data = tmp_path_factory.mktemp("guarded")
    with running_secretary(data, GRAPHS / "scripted.yaml", "--no-pull", **variables) as running:
        yield running


class GatewayPoller(threading.Thread):
    """Asks the gateway a prepared question again and again; ``failures`` are answers that were none."""

    def __init__(self, running: SecretaryProcess) -> None:
        super().__init__(daemon=True)
        self._http = running.http()
        self._enough = threading.Event()
        self.answered = 0
        self.failures: list[str] = []

    def __enter__(self) -> "GatewayPoller":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self.join(60)

    def run(self) -> None:
        body = {"model": "secretary", "messages": [{"role": "user", "content": "Спасибо"}]}
        while not self._enough.is_set():
            try:
                reply = self._http.post("/v1/chat/completions", json=body)
                if reply.is_success and reply.json()["secretary"]["answered_by"].startswith("faq"):
                    self.answered += 1
                else:
                    self.failures.append(f"{reply.status_code} {reply.text[:200]}")
            except httpx.HTTPError as error:
                self.failures.append(repr(error))
            time.sleep(0.02)


def panel_answers(running: SecretaryProcess) -> bool:
    try:
        return httpx.get(f"{running.url}/admin/ui/login", timeout=5).is_success
    except httpx.HTTPError:
        return False


def until_office_is_back(running: SecretaryProcess, killed: psutil.Process) -> float:
    began = time.monotonic()
    while True:
        assert time.monotonic() - began < _BACK_WITHIN_S, "the office did not come back"
        if not killed.is_running() and panel_answers(running) and running.replica_process("office").pid != killed.pid:
            return time.monotonic() - began
        time.sleep(0.2)


@pytest.mark.browser
def test_no_request_fails_while_the_office_is_dead_and_a_change_arrives_afterwards(guarded: SecretaryProcess) -> None:
    with GatewayPoller(guarded) as asking:
        time.sleep(1)
        victim = guarded.replica_process("office")
        before = asking.answered
        victim.kill()
        away_s = until_office_is_back(guarded, victim)
        during = asking.answered - before
    assert asking.failures == []
    assert during > away_s, "less than one answer a second is no answer"
    question, answer = "Где стоит лиловый рояль?", "Лиловый рояль стоит в подвале."
    with open_panel(guarded) as page:
        save_faq_entry(guarded, page, question, answer)
    assert says_within(guarded, question, answer, _FOLLOWS_WITHIN_S)


def says_within(running: SecretaryProcess, question: str, answer: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reply = running.openai.chat.completions.create(
            model="secretary", messages=[{"role": "user", "content": question}]
        )
        if reply.choices[0].message.content == answer:
            return True
    return False


def test_no_secret_is_in_any_file_listing_page_or_command_line(guarded: SecretaryProcess) -> None:
    go_wrong(guarded)
    tokens = sign_in(guarded)
    declare_a_provider(guarded, tokens["access_token"])
    said = [(name, reply.content) for name, reply in (*pages(guarded), *listings(guarded, tokens["access_token"]))]
    lines = [(f"command line of {p.pid}", " ".join(p.cmdline()).encode()) for p in guarded.processes()]
    files = list(files_of(guarded.data, ray_session(guarded)))
    for part in ("secretary.db", "logs/office.", "logs/gateway.", "/run/", "/session_", "up.log"):
        assert any(part in name for name, _ in files), f"nothing was searched in {part}"
    assert find_leaks([*said, *lines, *files], ENTERED | tokens) == []


def ray_session(running: SecretaryProcess) -> Path:
    """Where Ray writes the logs of this start."""
    lines = (" ".join(process.cmdline()) for process in running.processes())
    found = {path[1] for line in lines if (path := re.search(r"(/\S*/session_[\d_-]+)", line))}
    assert len(found) == 1, f"not one session of Ray: {found}"
    return Path(found.pop())


def go_wrong(running: SecretaryProcess) -> None:
    """Every refusal in which a secret is near."""
    wrong = {"Authorization": f"Bearer {ENTERED['refused password']}"}
    assert httpx.get(f"{running.url}/v1/models", headers=wrong).status_code == httpx.codes.UNAUTHORIZED
    form = {"username": "admin", "password": ENTERED["refused password"]}
    login = f"{running.url}/admin/ui/login"
    assert httpx.post(login, data=form, headers={"Origin": running.url}).status_code == httpx.codes.UNAUTHORIZED
    broken = httpx.post(f"{running.url}/v1/chat/completions", content=b"{", headers=running.headers)
    assert broken.status_code == httpx.codes.BAD_REQUEST


def sign_in(running: SecretaryProcess) -> dict[str, str]:
    """An access token and a refresh token."""
    body = {"username": "admin", "password": ENTERED["admin password"]}
    reply = httpx.post(f"{running.url}/admin/auth/login", json=body).raise_for_status().json()
    return {name: reply[name] for name in ("access_token", "refresh_token")}


def declare_a_provider(running: SecretaryProcess, access_token: str) -> None:
    body = {
        "name": "Cloud",
        "provider_type": "openai",
        "model_name": "large",
        "api_key": ENTERED["API key of a provider"],
        "vless_urls": [VLESS_LINK],
    }
    headers = {"Authorization": f"Bearer {access_token}"}
    httpx.post(f"{running.url}/admin/llm/providers", json=body, headers=headers).raise_for_status()


def listings(running: SecretaryProcess, access_token: str) -> Iterator[tuple[str, httpx.Response]]:
    """Everything of the office that is read without naming a thing, as its own OpenAPI document lists it."""
    headers = {"Authorization": f"Bearer {access_token}"}
    with httpx.Client(base_url=f"{running.url}/admin", headers=headers, timeout=60) as http:
        paths = http.get("/openapi.json").raise_for_status().json()["paths"]
        plain = [path for path, verbs in paths.items() if "get" in verbs and "{" not in path and path not in _ENDLESS]
        read = {path: http.get(path) for path in plain}
    assert {path for path, reply in read.items() if reply.is_success} >= _SEARCHED
    yield from read.items()


def pages(running: SecretaryProcess) -> Iterator[tuple[str, httpx.Response]]:
    with running.http() as http:
        for path in ("/metrics", "/ready", "/health", "/v1/models", "/v1/audio/voices", "/v1/nowhere", "/-/routes"):
            yield path, http.get(path)
