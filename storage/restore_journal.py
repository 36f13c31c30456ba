"""Renames that are all done or all undone, also when the process is killed between two of them: they are written down
beside the database before the first one, and whoever owns the database next ends what was begun.
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
ASIDE_PREFIX, DRAFT_PREFIX = "before-restore-", ".restore-"
"""How the names of folders begin: what was there before a restore, and what it is unpacking."""

_JOURNAL = TypeAdapter(list[tuple[str, str]])


def journal_path(database: Path) -> Path:
    """Where the moves into the place of ``database`` are written down while they are done."""
    return database.with_name(f"{database.name}.restoring")


def execute_moves(moves: Sequence[FileMove], journal: Path, on_moved: Callable[[Path], None]) -> None:
    """Does the ``moves`` in their order, ``moved`` hears of each; the last one must come in from a draft. A failure on
    the way moves everything back and is raised."""
    _write(journal, moves)
    try:
        for source, target in moves:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.rename(source, target)
            on_moved(target)
        _sync_all(moves)
    except BaseException:
        _undo(moves)
        _forget(journal)
        raise
    _forget(journal)


def recover_moves(journal: Path) -> None:
    """Ends moves that were interrupted: when all were done they stay, otherwise each is undone. To be called by the
    owner of the database. Raises Unavailable, naming the journal, when that is not possible."""
    try:
        moves = _read(journal)
        if not moves:
            return
        source, target = moves[-1]
        whole = target.exists() and not source.exists()
        if not whole:
            _undo(moves)
            _require_back(moves)
        _forget(journal)
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it cannot be read"
        raise Unavailable(
            f"a restore was interrupted and cannot be undone: {reason}; {journal} says what moved, "
            "delete it to go on with what is there"
        ) from error
    outcome = "it was done" if whole else "everything is as it was before: restore again"
    logger.warning("a restore was interrupted in %s: %s", journal.parent, outcome)


def fsync_directory(folder: Path) -> None:
    """Puts the names in ``folder`` on the disk, where its file system can do that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def _write(journal: Path, moves: Sequence[FileMove]) -> None:
    here = journal.absolute().parent  # names relative to it: a data folder may be mounted elsewhere next time
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
        named = _JOURNAL.validate_json(journal.read_bytes())
    except FileNotFoundError:
        return []
    here = journal.absolute().parent
    return [(Path(os.path.normpath(here / source)), Path(os.path.normpath(here / target))) for source, target in named]


def _undo(moves: Sequence[FileMove]) -> None:
    for source, target in reversed(moves):
        if target.exists() and not source.exists():
            source.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.rename(target, source)
        if target.parent.name.startswith(ASIDE_PREFIX):
            with contextlib.suppress(OSError):  # not empty yet, or never made
                target.parent.rmdir()
    _sync_all(moves)


def _require_back(moves: Sequence[FileMove]) -> None:
    for source, target in moves:
        if target.parent.name.startswith(ASIDE_PREFIX) and not source.exists():
            raise FileNotFoundError(errno.ENOENT, f"{source.name} is neither in its place nor in {target.parent}")


def _sync_all(moves: Sequence[FileMove]) -> None:
    for folder in {path.parent for move in moves for path in move}:
        if folder.is_dir():
            fsync_directory(folder)


def _forget(journal: Path) -> None:
    journal.unlink()
    fsync_directory(journal.absolute().parent)
