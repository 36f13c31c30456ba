"""Adds conversations and recordings of a person, and finds their remaining texts."""

from datetime import UTC, datetime
from pathlib import Path

from deployments.administration.office.composition import OfficeServices
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.identity import Identity, Role
from deployments.contracts.reports import DoorReport
from storage.repositories.recordings import StoredRecording
from storage.repositories.session_filter import SessionFilter
from tests.unit.administration.conftest import exchange

ADMIN = Identity("root", Role.ADMIN)
SHOP = TurnSource(SourceKind.TELEGRAM, "shop")
NOW = datetime.now(UTC)


async def report_conversation(office: OfficeServices, source: TurnSource, person: str, question: str) -> str:
    """Opens a conversation and reports one exchange, as a door does. Returns the session id."""
    opened = await office.conversations.open(source, person, "Имя")
    one = exchange(
        session_id=opened.session_id, source_kind=source.kind.value, source_id=source.instance_id, question=question
    )
    await office.report_ingest.accept(DoorReport(door=one.turn_id, sequence=1, revision=1, exchanges=(one,)))
    return opened.session_id


async def add_recording(office: OfficeServices, data: Path, name: str, **fields: object) -> Path:
    file = data / "recordings" / f"{name}.wav"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"RIFF")
    given = {"source": "phone", "media_type": "audio/wav", "seconds": 1.0, "size_bytes": 4} | fields
    async with office.database.unit_of_work() as work:
        await work.recordings.add(StoredRecording(id=name, path=f"recordings/{name}.wav", **given))  # type: ignore[arg-type]
    return file


async def stored_words(office: OfficeServices) -> str:
    """Returns all stored texts of conversations."""
    async with office.database.unit_of_work() as work:
        exchanges = await work.exchanges.newest(1_000)
        sessions, _ = await work.sessions.page(SessionFilter(), 500, 0)
        messages = [m for s in sessions for m in await work.messages.all_of_session(s.id)]
    return " ".join([*(e.question + e.answer for e in exchanges), *(m.content for m in messages)])


def words_on_disk(office: OfficeServices, *said: str) -> set[str]:
    """Returns the words found in the database files; none if the database is on a server."""
    path = office.database.path
    files = [file.read_bytes() for file in path.parent.glob(f"{path.name}*")] if path is not None else []
    return {word for word in said if any(word.encode() in content for content in files)}
