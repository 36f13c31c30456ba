"""Puts a backup back: unpacked beside the place and checked as a whole first, then moved into it."""

import contextlib
import gzip
import os
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from pydantic import ValidationError

from deployments.contracts.errors import Conflict, NotFound, Unavailable
from storage.archive import (
    DATABASE,
    FORMAT,
    KEYS,
    LARGEST_TEXT,
    MANIFEST,
    RECORDINGS,
    Manifest,
    Part,
    Place,
    PlainMember,
    checked_name,
    copied,
    refused,
)
from storage.migrate import MIGRATIONS
from storage.ownership import FileOwnership

ASIDE, DRAFT = "before-restore-", ".restore-"
"""How the names of folders begin: what was there before, and what is being unpacked."""

_ROOM_LEFT = 50_000_000
_MOST_FILES = 1_000_000


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back; ``aside`` is where that lies which was there before, if anything was."""

    manifest: Manifest
    aside: Path | None


async def restore(archive: Path, place: Place, *, force: bool = False, most_bytes: int | None = None) -> Restored:
    """Replaces what is at ``place`` and ends every sign-in. ``most_bytes`` bounds the unpacked size, by default to the
    room on the disk.

    Raises Conflict while a secretary runs, or when the place is not empty and ``force`` is not given; InvalidRequest
    for an archive that is damaged, foreign or newer than this program: then nothing is changed.
    """
    _require(archive, place)
    ownership = FileOwnership(place.database.with_suffix(".lock"))
    await ownership.acquire(0)
    try:
        return _restore(archive, place, force, most_bytes)
    finally:
        await ownership.release()


def _require(archive: Path, place: Place) -> None:
    if not archive.is_file():
        raise NotFound(f"there is no backup at {archive}")
    place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _restore(archive: Path, place: Place, force: bool, most_bytes: int | None) -> Restored:
    occupied = [path for path in _belongings(place) if path.exists()]
    if occupied and not force:
        raise Conflict(f"{place.folder} is not empty ({occupied[0].name}): --force puts what is there aside")
    room = max(0, shutil.disk_usage(place.folder).free - _ROOM_LEFT)
    with _told(), tempfile.TemporaryDirectory(dir=place.folder, prefix=DRAFT) as staged:
        manifest = _unpack(archive, Path(staged), room if most_bytes is None else most_bytes)
        _check_database(Path(staged) / DATABASE, manifest)
        _end_sign_ins(Path(staged) / DATABASE)
        return Restored(manifest, _exchange(Path(staged), place))


def _unpack(archive: Path, staged: Path, most_bytes: int) -> Manifest:
    found: dict[str, Part] = {}
    with tarfile.open(archive, "r|gz", tarinfo=PlainMember) as members:
        for member in members:
            name = checked_name(member)
            most_bytes -= member.size
            if most_bytes < 0 or len(found) > _MOST_FILES:
                raise refused("it is larger than the room there is")
            if name in found or (name == MANIFEST and member.size > LARGEST_TEXT):
                raise refused(f"{name} is in it twice or is too large")
            found[name] = Part(name=name, size=member.size, sha256=_unpacked(members, member, staged / name))
    return _checked(staged, found)


def _unpacked(members: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = members.extractfile(member)
    if source is None:
        raise refused("it holds something that is no plain file")
    with source, os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        digest = copied(source, target, member.size)
        target.flush()
        os.fsync(target.fileno())
    return digest


def _checked(staged: Path, found: dict[str, Part]) -> Manifest:
    try:
        manifest = Manifest.model_validate_json((staged / MANIFEST).read_bytes())
    except (FileNotFoundError, ValidationError):
        raise refused("its manifest is missing or cannot be read") from None
    if manifest.format != FORMAT:
        raise refused(f"it is of format {manifest.format}, this program reads {FORMAT}")
    del found[MANIFEST]
    told = {part.name: part for part in manifest.parts}
    wrong = sorted(name for name in told.keys() | found.keys() if told.get(name) != found.get(name))
    if wrong or DATABASE not in found:
        raise refused(f"{(wrong or [DATABASE])[0]} is missing or not as it was written")
    return manifest


def _check_database(path: Path, manifest: Manifest) -> None:
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        sound = connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if not sound or row is None or row[0] != manifest.schema_revision:
        raise refused("its database is damaged")
    if manifest.schema_revision not in _known_revisions():
        raise refused(f"its tables (revision {manifest.schema_revision}) are newer than this program: update first")


def _end_sign_ins(path: Path) -> None:
    """A refresh token that was used or revoked after the backup would be good again: none of them is."""
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")  # as SQLAlchemy writes it
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'refresh_tokens'").fetchone()
        if known is not None:
            connection.execute("UPDATE refresh_tokens SET revoked_at = ? WHERE revoked_at IS NULL", (moment,))


def _known_revisions() -> set[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def _belongings(place: Place) -> tuple[Path, ...]:
    """Everything that a restored place would replace; SQLite's side files belong to the database."""
    database = place.database
    beside = (database.with_name(f"{database.name}-wal"), database.with_name(f"{database.name}-shm"))
    return (database, *beside, place.recordings)


def _exchange(staged: Path, place: Place) -> Path | None:
    """Moves the old away and the new in; a failure on the way moves everything back."""
    incoming = [(staged / DATABASE, place.database)]
    if (staged / RECORDINGS).is_dir():
        incoming.insert(0, (staged / RECORDINGS, place.recordings))
    incoming[:0] = [(staged / KEYS / key.name, key) for key in place.keys if (staged / KEYS / key.name).is_file()]
    aside = place.folder / f"{ASIDE}{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    leaving = [*_belongings(place), *(target for _, target in incoming if target in place.keys)]
    outgoing = [(path, aside / path.name) for path in leaving if path.exists()]
    if outgoing:
        aside.mkdir(mode=0o700)
    _move_all([*outgoing, *incoming])
    return aside if outgoing else None


def _move_all(moves: list[tuple[Path, Path]]) -> None:
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.rename(source, target)
            done.append((source, target))
    except OSError:
        for source, target in reversed(done):
            os.rename(target, source)
        raise


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, sqlite3.DatabaseError):
        raise refused("it is damaged or no backup at all") from None
    except OSError as error:
        raise Unavailable(f"the backup was not restored: {error.strerror or error}; nothing was changed") from error
