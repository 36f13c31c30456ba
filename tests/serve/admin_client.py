"""A client of the admin API and of the gateway."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

import httpx
from openai.types.chat import ChatCompletion

from tests.serve.secretary_process import PASSWORD, SecretaryProcess

PROPAGATION_TIMEOUT_S = 10.0
READY_TIMEOUT_S = 90.0


class AdminClient:
    """Signed in as the administrator.

    ``get``, ``post``, ``put`` and ``delete`` take a path below /admin and return the JSON of a successful reply, None
    without a body. ``http`` returns whole replies; ``gateway`` is a client of the gateway with an API key.
    """

    def __init__(self, secretary: SecretaryProcess) -> None:
        self.secretary = secretary
        self.http = httpx.Client(base_url=f"{secretary.url}/admin", timeout=120)
        self.gateway = httpx.Client(base_url=secretary.url, headers=secretary.headers, timeout=120)
        self.token = str(self.login()["access_token"])
        self.http.headers["authorization"] = f"Bearer {self.token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.gateway.close()

    def login(self) -> Any:
        return json_of(self.http.post("/auth/login", json={"username": "admin", "password": PASSWORD}))

    def get(self, path: str, **query: object) -> Any:
        return json_of(self.http.get(path, params=query))

    def post(self, path: str, body: object = None, **query: object) -> Any:
        return json_of(self.http.post(path, json=body, params=query))

    def put(self, path: str, body: object) -> Any:
        return json_of(self.http.put(path, json=body))

    def delete(self, path: str) -> Any:
        return json_of(self.http.delete(path))

    def complete(self, question: str, model: str = "secretary", **wishes: Any) -> ChatCompletion:
        messages: Any = [{"role": "user", "content": question}]
        return self.secretary.openai.chat.completions.create(model=model, messages=messages, **wishes)

    def answer_to(self, question: str) -> str:
        """The answer of the gateway; a model may use one token."""
        return self.complete(question, max_tokens=1).choices[0].message.content or ""

    def prompt_tokens(self, question: str, model: str = "secretary") -> int:
        """The number of prompt tokens."""
        usage = self.complete(question, model, max_tokens=1).usage
        assert usage is not None
        return usage.prompt_tokens

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            return all(engine["ready"] for engine in self.gateway.get("/ready").json()["engines"])

        wait_for_change(ready, READY_TIMEOUT_S)


def json_of(reply: httpx.Response) -> Any:
    assert reply.is_success, f"{reply.request.method} {reply.request.url}: {reply.status_code} {reply.text}"
    return reply.json() if reply.content else None


def error_of(reply: httpx.Response) -> tuple[int, str]:
    """Status and error code."""
    return reply.status_code, str(reply.json()["error"]["code"])


def wait_for_change(holds: Callable[[], bool], timeout_s: float = PROPAGATION_TIMEOUT_S) -> None:
    """Waits until a change has arrived at the doors."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"it did not follow within {timeout_s:g} s"
        time.sleep(0.1)


@contextlib.contextmanager
def settings_restored(office: AdminClient, group: str | None = None) -> Iterator[None]:
    """Restores the settings, or one group of them, after the block."""
    before = office.get("/settings")["settings"]
    try:
        yield
    finally:
        wanted = before if group is None else {group: before[group]}
        now = office.get("/settings")["revision"]
        json_of(office.http.patch("/settings", json={"settings": wanted, "revision": now}))
