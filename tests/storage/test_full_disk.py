"""The office on a full disk: it refuses changes, stores nothing partially, and continues when there is space."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from deployments.administration.bots.service import BotDraft
from deployments.administration.faq.service import FaqDraft
from deployments.administration.llm.personas import PersonaDraft
from deployments.administration.office.composition import OfficeServices, open_office
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.errors import SecretaryError, Unavailable
from deployments.contracts.exchange import Exchange
from deployments.contracts.reports import DoorReport
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.report_outbox import ReportOutbox
from deployments.conversation.snapshot_feed import SnapshotFeed
from deployments.process_log import close_log, flush_log, open_log
from storage.environment import Environment
from tests.data_folders import fast_passwords
from tests.storage.small_disk import SmallDisk, mounted_tmpfs

SHOP = TurnSource(SourceKind.TELEGRAM, "shop")
PASSWORD = "correct horse battery"
_MAX_WRITES = 5_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mounted_tmpfs(tmp_path) as folder:
        yield SmallDisk(folder)


@asynccontextmanager
async def _opened_office(data: Path) -> AsyncGenerator[OfficeServices]:
    environment = Environment(data=data, admin_password=PASSWORD, api_key="sk-sec-" + "k" * 32)
    office = await open_office(environment, passwords=fast_passwords())
    try:
        yield office
    finally:
        await office.close()


class DirectOfficeLink:
    """Connects a door to an office of the same process."""

    def __init__(self, office: OfficeServices) -> None:
        self._office = office

    def snapshots(self, after_revision: int, subscriber: str) -> AsyncGenerator[Snapshot]:
        return self._office.publisher.subscribe(after_revision, subscriber)

    async def report(self, report: DoorReport) -> None:
        await self._office.report_ingest.accept(report)


def _writes(office: OfficeServices) -> dict[str, Callable[[int], Awaitable[object]]]:
    """One change of every kind, different for every number."""
    text = "Да." * 1000

    async def change_settings(number: int) -> None:
        settings = office.publisher.current.settings
        llm = settings.llm.model_copy(update={"max_tokens": number + 1})
        changed = settings.model_copy(update={"llm": llm})
        await office.settings.update(changed, office.publisher.current.revision, "anna")

    def exchange(number: int) -> Exchange:
        return Exchange(
            turn_id=f"turn-{number}",
            source_kind=SHOP.kind.value,
            source_id=SHOP.instance_id,
            question="Вы открыты?",
            answer=text,
            route="local",
            created_at=datetime.now(UTC),
        )

    def report(number: int) -> DoorReport:
        return DoorReport(door="door", sequence=number, revision=1, exchanges=(exchange(number),))

    return {
        "faq": lambda n: office.faq.create(FaqDraft(question=f"Вопрос {n}", answer=text), "anna"),
        "settings": change_settings,
        "persona": lambda n: office.personas.create(f"p{n}", PersonaDraft(name="П", prompts={"ru": text}), "anna"),
        "key": lambda n: office.keys.create(f"key {n}"),
        "bot": lambda n: office.bots.create(BotDraft(name=f"bot {n}", token=SecretStr(f"{n}:abc")), "anna"),
        "conversation": lambda n: office.conversations.open(SHOP, f"person {n}"),
        "report": lambda n: office.report_ingest.accept(report(n)),
        "login": lambda n: office.accounts.authenticate("admin", PASSWORD, "192.0.2.1"),
    }


async def _refusal(write: Callable[[int], Awaitable[object]]) -> SecretaryError:
    """Writes until refused: small rows may still fit into a free page."""
    for number in range(_MAX_WRITES):
        try:
            await write(number)
        except SecretaryError as error:
            return error
    raise AssertionError("no write was refused")


async def _stored(office: OfficeServices) -> tuple[int, int, int]:
    """The revision, the number of audited changes, and the number of exchanges."""
    async with office.database.unit_of_work() as work:
        audit = await work.audit.newest(1_000_000)
        changes = [event for event in audit if event.username != "(installation)" and event.resource != "auth"]
        return await work.revisions.current(), len(changes), len(await work.exchanges.newest(1_000_000))


async def test_changes_are_refused_on_a_full_disk(disk: SmallDisk) -> None:
    async with _opened_office(disk.folder / "data") as office:
        writes = _writes(office)
        disk.fill()
        for name, write in writes.items():
            error = await _refusal(write)
            assert isinstance(error, Unavailable), name
        revision, audited, _ = await _stored(office)
        assert revision == audited + 1 == office.publisher.current.revision
        assert (await office.faq.list()).total >= len(office.publisher.current.faq)
        assert await office.database.check_integrity() == ()
        disk.make_room()
        for name, write in writes.items():
            await write(_MAX_WRITES), name
        assert (await _stored(office))[0] == revision + 5
        assert await office.database.check_integrity() == ()


async def test_exchanges_wait_for_space_and_are_stored_once(disk: SmallDisk) -> None:
    async with _opened_office(disk.folder / "data") as office:
        link = DirectOfficeLink(office)
        feed = SnapshotFeed(link, "door")
        outbox = ReportOutbox(link, "door", feed)
        session = (await office.conversations.open(SHOP, "anna")).session_id
        disk.fill()
        await _refusal(_writes(office)["report"])
        before = (await _stored(office))[2]
        for number in range(50):
            exchange = Exchange(
                turn_id=f"waiting-{number}",
                session_id=session,
                source_kind=SHOP.kind.value,
                source_id=SHOP.instance_id,
                question="Вы открыты?",
                answer="Да. " * 900,
                route="local",
                created_at=datetime.now(UTC),
            )
            outbox.on_exchange(exchange)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await outbox.flush()
        assert (await _stored(office))[2] == before
        disk.make_room()
        await outbox.flush()
        await outbox.flush()
        assert (await _stored(office))[2] == before + 50
        assert outbox.dropped == 0


async def test_restart_on_a_full_disk_loses_nothing(disk: SmallDisk) -> None:
    async with _opened_office(disk.folder / "data") as office:
        stored = office.publisher.current
    disk.fill()
    with pytest.raises(Unavailable):
        async with _opened_office(disk.folder / "data"):
            pass
    disk.make_room()
    async with _opened_office(disk.folder / "data") as office:
        assert await office.database.check_integrity() == ()
        assert office.publisher.current == stored


async def test_first_start_on_a_full_disk_can_be_repeated(disk: SmallDisk) -> None:
    disk.fill()
    with pytest.raises(SecretaryError):
        async with _opened_office(disk.folder / "data"):
            pass
    disk.make_room()
    async with _opened_office(disk.folder / "data") as office:
        assert office.publisher.current.faq


def test_logging_continues_after_a_full_disk(disk: SmallDisk) -> None:
    open_log(disk.folder / "logs", "door")
    log = logging.getLogger("deployments")
    try:
        log.info("before")
        disk.fill()
        for number in range(200):
            log.info("line %d %s", number, "x" * 500)
        disk.make_room()
        log.info("afterwards")
        flush_log()
        (file,) = (disk.folder / "logs").glob("door.*.log")
        assert file.read_text().rstrip().endswith("afterwards")
    finally:
        close_log()
