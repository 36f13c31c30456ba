"""Installations on disk: their paths and the contents of their files."""

import contextlib
import sqlite3
import tarfile
from pathlib import Path

from storage.backup_archive import InstallationPaths


def installation_paths(folder: Path, *keys: str) -> InstallationPaths:
    """The paths of an installation in ``folder``, with the given names of key files or both of them."""
    names = keys or ("secret.key", "storage.secret")
    keys = tuple(folder / name for name in names)
    return InstallationPaths(folder / "secretary.db", folder / "recordings", folder / "models" / "voices", keys)


def table_rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """The rows of every table of a SQLite file, sorted."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: sorted(connection.execute(f'SELECT * FROM "{table}"'), key=repr) for table in tables}


def archive_files(archive: Path) -> dict[str, bytes]:
    """The files of a tar archive by name."""
    with tarfile.open(archive) as opened:
        return {m.name: content.read() for m in opened if (content := opened.extractfile(m)) is not None}
