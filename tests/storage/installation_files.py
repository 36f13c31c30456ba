"""Installations on disk: where their parts are, and what rows they hold."""

import contextlib
import sqlite3
import tarfile
from pathlib import Path

from storage.backup_archive import InstallationPaths


def installation_paths(folder: Path) -> InstallationPaths:
    keys = (folder / "secret.key", folder / "storage.secret")
    return InstallationPaths(folder / "secretary.db", folder / "recordings", keys)


def table_rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: sorted(connection.execute(f'SELECT * FROM "{table}"'), key=repr) for table in tables}


def archive_files(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as opened:
        return {m.name: content.read() for m in opened if (content := opened.extractfile(m)) is not None}
