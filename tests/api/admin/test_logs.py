"""Routes of ``/logs``: pages from the end, tail across rotation, and no other files."""

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from logging.handlers import RotatingFileHandler
from pathlib import Path
from urllib.parse import unquote

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.administration.logs.log_files import LogFiles, LogFilter
from deployments.administration.logs.log_tail import LogTail
from deployments.administration.logs.redaction import hide_secrets
from deployments.api.admin.logs.routes import build_router
from deployments.api.admin.server_sent_events import EventStreamSlots
from deployments.contracts.errors import NotFound
from tests.api.admin.router_client import application_of, router_client
from tests.api.asgi import AsgiCall
from tests.architecture.source_files import ROOT
from tests.waiting import wait_until


def record(number: int, level: str = "INFO", text: str = "") -> str:
    return f"2026-11-23 04:00:{number % 60:02d},000 {level} 77 deployments.voice {text or f'line {number}'}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.key").write_text("SEALED")
    (tmp_path / ".env").write_text("SECRETARY_API_KEY=SEALED")
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "voice.log").write_text("".join(record(n) for n in range(1000)))
    (logs / "link.log").symlink_to(tmp_path / "secret.key")
    (logs / "folder.log").mkdir()
    os.mkfifo(logs / "pipe.log")
    (logs / "notes.txt").write_text("SEALED")
    return logs


@asynccontextmanager
async def over(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with router_client(build_router(LogFiles(folder), EventStreamSlots(), period_s=0.01)) as http:
        yield http


async def test_logs_of_processes_are_listed_and_read(tmp_path: Path) -> None:
    writer = "import logging, pathlib, sys; from deployments.process_log import open_log; "
    writer += "open_log(pathlib.Path(sys.argv[1]), sys.argv[2]); logging.getLogger('deployments').info('hello')"
    for process in ("office", "bot-лавка"):
        subprocess.run([sys.executable, "-c", writer, str(tmp_path), process], cwd=ROOT, check=True)
    async with over(tmp_path) as http:
        names = [log["name"] for log in (await http.get("/logs")).json()["logs"]]
        assert sorted(name.partition(".")[0] for name in names) == ["bot-лавка", "office"]
        for name in names:
            assert "hello" in (await http.get(f"/logs/{name}")).json()["lines"][0]


async def test_logs_list_only_own_files(folder: Path) -> None:
    (folder / "voice.log.1").write_text("older\n")
    async with over(folder) as http:
        logs = (await http.get("/logs")).json()["logs"]
    assert {log["name"] for log in logs} == {"voice.log", "voice.log.1"}
    assert {"name", "size_kb", "modified", "file", "display_name"} == set(logs[0])
    assert {(log["file"], log["display_name"]) for log in logs} == {("voice.log", "voice"), ("voice.log.1", "voice")}


async def test_logs_without_directory_are_empty(tmp_path: Path) -> None:
    async with over(tmp_path / "none") as http:
        assert (await http.get("/logs")).json() == {"logs": []}


async def test_log_pages_join_in_file_order(folder: Path) -> None:
    async with over(folder) as http:
        newest = (await http.get("/logs/voice.log", params={"lines": 3})).json()
        older = (await http.get("/logs/voice.log", params={"lines": 3, "offset": 3})).json()
        everything = (await http.get("/logs/voice.log", params={"lines": 5000})).json()
    assert [line.split()[-1] for line in older["lines"] + newest["lines"]] == [str(n) for n in range(994, 1000)]
    assert newest["more"]
    assert not everything["more"]
    assert "".join(f"{line}\n" for line in everything["lines"]) == (folder / "voice.log").read_text()


async def test_log_level_keeps_tracebacks(folder: Path) -> None:
    trouble = record(2, "ERROR", "it broke") + "Traceback (most recent call last):\n  File x\nValueError: Шторм\n"
    (folder / "chat.log").write_text(record(1) + trouble + record(3, "WARNING", "hm") + record(4))
    async with over(folder) as http:
        errors = (await http.get("/logs/chat.log", params={"level": "ERROR"})).json()["lines"]
        warnings = (await http.get("/logs/chat.log", params={"level": "WARNING"})).json()["lines"]
        found = (await http.get("/logs/chat.log", params={"search": "шторм"})).json()["lines"]
        wrong = await http.get("/logs/chat.log", params={"level": "LOUD"})
    assert errors == trouble.splitlines()
    assert len(warnings) == 5
    assert found == ["ValueError: Шторм"]
    assert wrong.status_code == 422


def test_log_read_is_bounded(folder: Path) -> None:
    with (folder / "huge.log").open("wb") as file:
        file.truncate(1 << 30)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + record(1).encode())
    page = LogFiles(folder).read("huge.log", lines=1)
    assert page.lines == (record(1).rstrip(),)
    assert page.scanned_bytes <= 128 << 10
    unlucky = LogFiles(folder).read("huge.log", lines=1, criteria=LogFilter("nowhere"))
    assert unlucky.more
    assert unlucky.scanned_bytes <= 17 << 20


NAMES = (
    "../secret.key",
    "..%2Fsecret.key",
    "%2e%2e/secret.key",
    "link.log",
    "folder.log",
    "pipe.log",
    "notes.txt",
    ".env",
    "..",
    "%00",
    "voice.log%00.txt",
    "none.log",
    "%2Fetc%2Fpasswd",
    "VOICE.LOG ",
    "voice.log.",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", ["/logs/", "/logs/stream/"])
async def test_log_with_other_name_is_404(folder: Path, name: str, path: str) -> None:
    call = AsgiCall(path + name, b"", method="GET")
    scope = call.scope() | {"path": unquote(path + name), "raw_path": (path + name).encode()}
    app = application_of(build_router(LogFiles(folder), EventStreamSlots()))
    await asyncio.wait_for(app(scope, call.receive, call.send), 2)  # type: ignore[arg-type]
    assert call.status == 404
    assert b"SEALED" not in b"".join(message.get("body", b"") for message in call.sent)


PIECES = st.sampled_from(
    ["..", ".", "/", "secret.key", ".log", "logs", "\\", "\0", "%2e", "link", ".1", "ё", "\n", " "]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=6).map("".join)))
def test_log_name_cannot_leave_directory(name: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        logs = Path(place) / "logs"
        logs.mkdir()
        (Path(place) / "secret.key").write_text("SEALED")
        (Path(place) / "outside.log").write_text("SEALED")
        (logs / "link.log").symlink_to("../outside.log")
        (logs / "inside.log").write_text("fine\n")
        try:
            page = LogFiles(logs).read(name)
        except NotFound:
            return
        assert page.lines == ("fine",)
        assert name == "inside.log"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\r\n"), max_size=200), max_size=40
    ),
    st.integers(1, 50),
    st.integers(0, 50),
    st.booleans(),
)
def test_log_pages_equal_whole_file(written: list[str], lines: int, offset: int, ended: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        text = "\n".join(written) + ("\n" if ended else "")
        (Path(place) / "a.log").write_bytes(text.encode())
        whole = text.split("\n") if text else []
        if whole and whole[-1] == "":
            whole.pop()
        whole.reverse()
        page = LogFiles(Path(place)).read("a.log", lines, offset)
        assert list(reversed(page.lines)) == whole[offset : offset + lines]


class Following:
    """An open stream: the received data, and a way to disconnect."""

    def __init__(self, folder: Path, query: bytes = b"") -> None:
        self.slots = EventStreamSlots()
        self.call = AsgiCall("/logs/stream/bot.log", b"", method="GET")
        app = application_of(build_router(LogFiles(folder), self.slots, period_s=0.01))
        scope = self.call.scope() | {"query_string": query}
        self.serving = asyncio.create_task(app(scope, self.call.receive, self.call.send))  # type: ignore[arg-type]

    def lines(self) -> list[str]:
        events = [m["body"] for m in self.call.sent if m.get("body", b"").startswith(b"data: ")]
        return [orjson.loads(event.removeprefix(b"data: "))["line"] for event in events]

    async def begun(self) -> None:
        await wait_until(lambda: self.call.sent)

    async def end(self) -> None:
        self.call.disconnected.set()
        await asyncio.wait_for(self.serving, 1)
        assert self.slots.in_use == 0


@pytest.fixture
def logger(folder: Path) -> Callable[[str], None]:
    """A logger with the secretary's log handler, which rotates every few lines."""
    handler = RotatingFileHandler(folder / "bot.log", maxBytes=300, backupCount=3, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(process)d %(name)s %(message)s"))

    def write(text: str, level: int = logging.INFO) -> None:
        handler.emit(logging.LogRecord("bots", level, "", 0, text, None, None))

    write("before anybody looked")
    return write  # type: ignore[return-value]


async def test_log_tail_follows_rotation(folder: Path, logger: Callable[[str], None]) -> None:
    following = Following(folder)
    await following.begun()
    for number in range(40):
        logger(f"line {number}")
        await asyncio.sleep(0.02)
    assert (folder / "bot.log.3").exists()
    await wait_until(lambda: len(following.lines()) >= 40)
    assert [line.split("bots ")[1] for line in following.lines()] == [f"line {n}" for n in range(40)]
    await following.end()


async def test_log_tail_filters_with_tracebacks(folder: Path) -> None:
    path = folder / "bot.log"
    path.write_text(record(0))
    following = Following(folder, b"level=ERROR&search=o")
    await following.begun()
    await asyncio.sleep(0.05)
    with path.open("a") as file:
        file.write(record(1, "INFO", "foo") + record(2, "ERROR", "boo") + "Traceback: oh\n" + record(3, "ERROR", "zzz"))
        file.write(record(4, "ERROR", "half a line, not ended: o")[:-1])
    await wait_until(lambda: len(following.lines()) >= 2)
    await asyncio.sleep(0.05)
    shown = [line.rpartition(" ")[2] for line in following.lines()]
    assert shown[:2] == ["boo", "oh"]
    assert not any("half" in line for line in following.lines())
    await following.end()


async def test_log_tail_restarts_after_truncation(folder: Path) -> None:
    path = folder / "bot.log"
    path.write_text(record(0) * 5)
    follower = LogTail(LogFiles(folder), "bot.log", LogFilter(), period_s=0.01)
    follower.open()
    lines = follower.lines()
    waiting = asyncio.ensure_future(anext(lines))
    await asyncio.sleep(0.05)
    path.write_text(record(9))
    assert (await asyncio.wait_for(waiting, 2)).line == record(9).rstrip()
    await lines.aclose()


async def test_log_tail_unstarted_closes_file(folder: Path) -> None:
    (folder / "bot.log").write_text(record(0))
    app = application_of(build_router(LogFiles(folder), EventStreamSlots(limit=0)))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        call = AsgiCall("/logs/stream/bot.log", b"", method="GET")
        await app(call.scope(), call.receive, call.send)  # type: ignore[arg-type]
        assert call.status == 503
    assert len(os.listdir("/proc/self/fd")) == before


def test_log_levels_are_counted_since_a_time(folder: Path) -> None:
    now = datetime.now(UTC)
    stamp = now.astimezone().strftime("%Y-%m-%d %H:%M:%S,000")
    lines = [f"{stamp} {level} 7 deployments.bots text" for level in ("ERROR", "WARNING", "ERROR", "INFO")]
    (folder / "bots.7.log").write_text(record(1, "ERROR") + "\n".join([*lines, "Traceback", ""]))
    counts = LogFiles(folder).count_levels(now - timedelta(hours=1))
    assert [(each.process, each.level, each.count) for each in counts] == [("bots", "ERROR", 2), ("bots", "WARNING", 1)]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("GET https://anna:hunter22@proxy.example/x", "GET https://anna:[hidden]@proxy.example/x"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [hidden]"),
        ("key sk-proj-0123456789abcdefghij.", "key [hidden]."),
        ("bot123456789:AAEhBOweik6ad9r_QXMENQjcrbGbqCr4K", "bot[hidden]"),
        ("at http://127.0.0.1:8002/v1 for a@b.example", "at http://127.0.0.1:8002/v1 for a@b.example"),
        ("turn t-1 first_token_ms=120 tokens=41 at 12:30:45", "turn t-1 first_token_ms=120 tokens=41 at 12:30:45"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(line: str, shown: str) -> None:
    assert hide_secrets(line) == shown
