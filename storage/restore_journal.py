"""Moves of several files that are all done or all undone, also when the process is killed in between. A journal beside
the database lists the moves before the first one. The next owner of the database completes or undoes them.
"""

import contextlib
import errno
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from deployments.contracts.errors import Unavailable

logger = logging.getLogger(__name__)

FileMove = tuple[Path, Path]
"""Source and target of a rename."""

ASIDE_PREFIX, DRAFT_PREFIX = "before-restore-", ".restore-"
"""Prefixes of the folders for replaced files and for files being unpacked."""

_JOURNAL = TypeAdapter(list[tuple[str, str]])


def journal_path(database: Path) -> Path:
    """The journal of the restore that replaces ``database``."""
    return database.with_name(f"{database.name}.restoring")


def execute_moves(moves: Sequence[FileMove], journal: Path, on_moved: Callable[[Path], None]) -> None:
    """Renames in the order of ``moves`` and calls ``on_moved`` with each target. The source of the last move must be a
    new file. On failure all moves are undone and the error is raised."""
    _write(journal, moves)
    try:
        for source, target in moves:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.rename(source, target)
            on_moved(target)
        _fsync_directories(moves)
    except BaseException:
        _undo(moves)
        _delete(journal)
        raise
    _delete(journal)


def recover_moves(journal: Path) -> None:
    """Keeps interrupted moves when all of them were done, undoes them otherwise. Only the owner of the database may
    call it. Raises Unavailable, naming the journal, when recovery fails."""
    try:
        moves = _read(journal)
        if not moves:
            return
        source, target = moves[-1]
        complete = target.exists() and not source.exists()
        if not complete:
            _undo(moves)
            _require_undone(moves)
        _delete(journal)
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the journal cannot be read"
        raise Unavailable(
            f"a restore was interrupted and cannot be undone: {reason}; {journal} lists the moved files, "
            "delete it to continue with the files as they are"
        ) from error
    outcome = "it was complete" if complete else "all changes were undone: restore again"
    logger.warning("a restore was interrupted in %s: %s", journal.parent, outcome)


def fsync_directory(folder: Path) -> None:
    """Flushes the entries of ``folder`` to disk where the file system supports it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def _write(journal: Path, moves: Sequence[FileMove]) -> None:
    here = journal.absolute().parent  # relative paths: the data folder may be mounted elsewhere next time
    content = _JOURNAL.dump_json(
        [(os.path.relpath(source, here), os.path.relpath(target, here)) for source, target in moves]
    )
    draft = journal.with_name(f"{journal.name}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, journal)
    fsync_directory(here)


def _read(journal: Path) -> list[FileMove]:
    try:
        names = _JOURNAL.validate_json(journal.read_bytes())
    except FileNotFoundError:
        return []
    here = journal.absolute().parent
    return [(Path(os.path.normpath(here / source)), Path(os.path.normpath(here / target))) for source, target in names]


def _undo(moves: Sequence[FileMove]) -> None:
    for source, target in reversed(moves):
        if target.exists() and not source.exists():
            source.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.rename(target, source)
        if target.parent.name.startswith(ASIDE_PREFIX):
            with contextlib.suppress(OSError):  # not empty, or absent
                target.parent.rmdir()
    _fsync_directories(moves)


def _require_undone(moves: Sequence[FileMove]) -> None:
    for source, target in moves:
        if target.parent.name.startswith(ASIDE_PREFIX) and not source.exists():
            raise FileNotFoundError(errno.ENOENT, f"{source.name} is missing, also in {target.parent}")


def _fsync_directories(moves: Sequence[FileMove]) -> None:
    for folder in {path.parent for move in moves for path in move}:
        if folder.is_dir():
            fsync_directory(folder)


def _delete(journal: Path) -> None:
    journal.unlink()
    fsync_directory(journal.absolute().parent)
