"""Time from an admin change in a running secretary to the first answer of its gateway that uses it."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from benchmarks.server_process import (
    PASSWORD,
    SCRIPTED_GRAPH,
    ServerProcess,
    post_json,
    secretary_server,
    wait_for_secretary,
)

_TIMEOUT_S = 20.0


def measure_lags_ms(data: Path, changes: int) -> list[float]:
    """Milliseconds from the timestamp of the changed row to the first answer with it, ascending.

    Slightly too long: the timestamp is set before the commit, and the gateway is polled every 5 ms.
    """
    questions = [f"Где стоит рояль номер {number}?" for number in range(changes)]
    with secretary_server("secretary", data, SCRIPTED_GRAPH) as server:
        wait_for_secretary(server)
        with office_client(server) as office:
            seen = [_answer_time(server, office, question) for question in questions]
    stored = _change_times(data / "secretary.db")
    return sorted((at - stored[question]) * 1000 for question, at in zip(questions, seen, strict=True))


@contextmanager
def office_client(server: ServerProcess) -> Iterator[httpx.Client]:
    """A client of the admin API."""
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=30) as client:
        signed_in = client.post("/admin/auth/login", json={"username": "admin", "password": PASSWORD})
        signed_in.raise_for_status()
        client.headers["authorization"] = f"Bearer {signed_in.json()['access_token']}"
        yield client


def _answer_time(server: ServerProcess, office: httpx.Client, question: str) -> float:
    """Saves an FAQ entry; returns the Unix time of the first answer with it."""
    watch = _AnswerPoller(server.port, question)
    watch.start()
    office.post("/admin/faq", json={"trigger": question, "response": f"Ответ: {question}"}).raise_for_status()
    watch.join()
    if watch.at is None:
        raise RuntimeError(f"the gateway did not learn {question!r} in {_TIMEOUT_S:.0f} s")
    return watch.at


class _AnswerPoller(threading.Thread):
    """Asks until the answer is the expected one; ``at`` is its Unix time."""

    def __init__(self, port: int, question: str) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._body = {"model": "secretary", "messages": [{"role": "user", "content": question}]}
        self._expected = f"Ответ: {question}".encode()
        self.at: float | None = None

    def run(self) -> None:
        deadline = time.monotonic() + _TIMEOUT_S
        while self.at is None and time.monotonic() < deadline:
            status, answer = post_json(self._port, "/v1/chat/completions", self._body)
            if status == 200 and self._expected in answer:
                self.at = time.time()
            time.sleep(0.005)


def _change_times(path: Path) -> dict[str, float]:
    """Question -> Unix time of its last change."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT question, updated_at FROM faq_entries").fetchall()
    return {question: datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() for question, at in rows}
