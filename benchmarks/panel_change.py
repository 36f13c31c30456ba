"""A change that a person makes in the panel of a running secretary, and the moment its gateway acts on it."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.started import PASSWORD, SCRIPTED_GRAPH, Server, ask, secretary, wait_for_secretary

_CHROMIUM = "/usr/bin/chromium"
_SEEN_WITHIN_S = 20.0


def measured(data: Path, changes: int) -> list[float]:
    """Milliseconds from the time that is stored in the changed row to the gateway's first answer with it, ascending.

    A little too much: the row is stamped before it is committed, and the gateway is asked every few milliseconds.
    """
    questions = [f"Где стоит рояль номер {number}?" for number in range(changes)]
    with secretary("secretary", data, SCRIPTED_GRAPH) as server:
        wait_for_secretary(server)
        with _panel(server) as page:
            seen = [_taught(server, page, question) for question in questions]
    stored = _stored(data / "secretary.db")
    return sorted((at - stored[question]) * 1000 for question, at in zip(questions, seen, strict=True))


@contextmanager
def _panel(server: Server) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.set_default_timeout(30_000)
        page.goto(f"http://127.0.0.1:{server.port}/admin/")
        page.fill("#username", "admin")
        page.fill("#password", PASSWORD)
        page.click("button[type=submit]")
        expect(page.locator(".shell")).to_be_visible()
        yield page
        browser.close()


def _taught(server: Server, page: Page, question: str) -> float:
    """Unix time of the gateway's first answer to ``question`` from the entry that is saved meanwhile."""
    page.goto(f"http://127.0.0.1:{server.port}/admin/ui/faq")
    page.get_by_role("button", name="Добавить ответ").click()
    page.get_by_label("Вопрос", exact=True).fill(question)
    page.get_by_label("Ответ", exact=True).fill(f"Ответ: {question}")
    watch = _Watch(server.port, question)
    watch.start()
    page.get_by_role("button", name="Сохранить").click()
    watch.join()
    if watch.at is None:
        raise RuntimeError(f"the gateway did not learn {question!r} in {_SEEN_WITHIN_S:.0f} s")
    return watch.at


class _Watch(threading.Thread):
    """Asks until the answer is the new one; ``at`` is the Unix time of that."""

    def __init__(self, port: int, question: str) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._body = {"model": "secretary", "messages": [{"role": "user", "content": question}]}
        self._wanted = f"Ответ: {question}".encode()
        self.at: float | None = None

    def run(self) -> None:
        deadline = time.monotonic() + _SEEN_WITHIN_S
        while self.at is None and time.monotonic() < deadline:
            status, answer = ask(self._port, "/v1/chat/completions", self._body)
            if status == 200 and self._wanted in answer:
                self.at = time.time()
            time.sleep(0.005)


def _stored(path: Path) -> dict[str, float]:
    """Question -> Unix time of its last change."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT question, updated_at FROM faq_entries").fetchall()
    return {question: datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() for question, at in rows}
