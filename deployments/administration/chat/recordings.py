"""Recordings of what people said in stored conversations, kept when the setting ``privacy.keep_recordings`` says so."""

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from deployments.administration.chat.sessions import get_visible_session
from deployments.contracts.errors import NotFound, TooLarge
from deployments.contracts.identity import Identity
from deployments.contracts.sessions import HeardMessage
from storage.database import Database
from storage.repositories.recordings import StoredRecording

__all__ = ["ConversationRecordings", "StoredRecording", "playable_type"]

_PLAYABLE = frozenset(
    f"audio/{name}" for name in ("aac", "flac", "mp4", "mpeg", "ogg", "wav", "webm", "x-m4a", "x-wav")
) | {"video/mp4"}
"""Types that a browser may be told; the sender of a message chooses its type."""
_LONGEST_TYPE = 50
_FOLDER = "recordings"
_MOST_BYTES = 20 << 20
"""The largest file that a Telegram bot can download."""


class ConversationRecordings:
    """Files below ``folder``, the data folder, with a row for each. Retention, erasure and backups are of the rows."""

    def __init__(self, database: Database, folder: Path, is_kept: Callable[[], bool]) -> None:
        self._database = database
        self._folder = folder
        self._is_kept = is_kept

    @property
    def kept(self) -> bool:
        return self._is_kept()

    async def keep(self, heard: HeardMessage) -> None:
        """Does nothing when recordings are not kept or the conversation is deleted. Raises TooLarge above 20 MiB, and
        OSError when the file cannot be written; then no row is left."""
        if not self.kept:
            return
        if len(heard.audio) > _MOST_BYTES:
            raise TooLarge(f"a recording may have {_MOST_BYTES >> 20} MiB")
        recording_id = secrets.token_hex(16)
        path = self._folder / _FOLDER / recording_id
        if not await self._add(recording_id, heard):
            return
        try:
            await asyncio.to_thread(_write, path, heard.audio)
        except BaseException:
            await self._forget(recording_id, path)
            raise
        if not await self._is_stored(recording_id):  # erased while the file was written
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def of_session(self, caller: Identity, session_id: str) -> tuple[StoredRecording, ...]:
        """The oldest first. Raises NotFound."""
        async with self._database.unit_of_work() as work:
            await get_visible_session(work, caller, session_id)
            return await work.recordings.of_session(session_id)

    async def read(self, caller: Identity, session_id: str, recording_id: str) -> tuple[StoredRecording, bytes]:
        """A recording of the conversation and its sound. Raises NotFound."""
        found = {each.id: each for each in await self.of_session(caller, session_id)}.get(recording_id)
        if found is None:
            raise NotFound("there is no such recording in this conversation")
        try:
            return found, await asyncio.to_thread((self._folder / found.path).read_bytes)
        except FileNotFoundError:
            raise NotFound("the file of this recording is gone") from None

    async def _add(self, recording_id: str, heard: HeardMessage) -> bool:
        try:
            async with self._database.unit_of_work() as work:
                session = await work.sessions.get(heard.session_id)
                if session is None:
                    return False
                recording = StoredRecording(
                    id=recording_id,
                    source=session.source.kind.value,
                    source_id=session.source.instance_id or "",
                    person=session.person,
                    path=f"{_FOLDER}/{recording_id}",
                    media_type=heard.media_type[:_LONGEST_TYPE],
                    seconds=heard.seconds,
                    size_bytes=len(heard.audio),
                    session_id=heard.session_id,
                    turn_id=heard.turn_id,
                    transcript=heard.transcript,
                )
                await work.recordings.add(recording)
                return True
        except IntegrityError:  # the conversation was deleted meanwhile
            return False

    async def _is_stored(self, recording_id: str) -> bool:
        async with self._database.unit_of_work() as work:
            return await work.recordings.exists(recording_id)

    async def _forget(self, recording_id: str, path: Path) -> None:
        async with self._database.unit_of_work() as work:
            await work.recordings.remove((recording_id,))
        await asyncio.to_thread(path.unlink, missing_ok=True)


def playable_type(recording: StoredRecording) -> str:
    """The media type of the file, or that of unknown bytes."""
    return recording.media_type if recording.media_type in _PLAYABLE else "application/octet-stream"


def _write(path: Path, audio: bytes) -> None:
    """Writes a file that only the owner of the process may read."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(audio)
