"""Records for the repositories."""

from datetime import UTC, datetime, timedelta, timezone

from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.exchange import Exchange
from storage.repositories.recordings import StoredRecording
from storage.repositories.tokens import StoredRefreshToken
from storage.repositories.users import StoredUser
from storage.unit_of_work import UnitOfWork

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
MOSCOW = timezone(timedelta(hours=3))
PANEL = TurnSource(SourceKind.ADMIN)
TELEGRAM = TurnSource(SourceKind.TELEGRAM, "shop")


def exchange(turn_id: str, session_id: str | None = None, answer: str = "Да.") -> Exchange:
    return Exchange(
        turn_id=turn_id,
        session_id=session_id,
        source_kind="telegram",
        source_id="shop",
        question="Вы открыты?",
        answer=answer,
        route="local",
        created_at=datetime(2026, 5, 1, 15, tzinfo=MOSCOW),
    )


def recording(name: str, **fields: object) -> StoredRecording:
    given = {"source": "admin", "media_type": "audio/wav", "seconds": 1.5, "size_bytes": 4} | fields
    return StoredRecording(id=name, path=f"recordings/{name}.wav", **given)  # type: ignore[arg-type]


async def add_refresh_token(work: UnitOfWork, digest: str, family: str, user: StoredUser, **times: datetime) -> None:
    given = {"expires_at": NOW + DAY, "created_at": NOW} | times
    await work.tokens.add(StoredRefreshToken(digest, family, user.id, address="2001:db8::1", **given))
