"""The format of a backup: a tar archive, compressed with gzip, that ends with a manifest of its files."""

import hashlib
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, Field

from deployments.contracts.errors import InvalidRequest

FORMAT = 1
MANIFEST, DATABASE, SETTINGS, MODELS = "manifest.json", "database.sqlite", "settings.json", "models.json"
RECORDINGS, VOICES, KEYS = "recordings", "voices", "keys"
MAX_TEXT_BYTES = 10_000_000
"""Limit of a file that is read into memory."""

_CHUNK_BYTES = 1 << 20
_MAX_NAME_BYTES = 1_000


class BackupFile(BaseModel):
    """One file of the archive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class BackupManifest(BaseModel):
    """The list of files. ``version`` is the version of the program, ``schema_revision`` that of the tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    version: str
    schema_revision: str
    created_at: datetime
    with_keys: bool
    parts: tuple[BackupFile, ...]


@dataclass(frozen=True, slots=True)
class InstallationPaths:
    """The files of an installation that a backup holds. ``voices`` are the samples of cloned voices, ``keys`` its
    secret key files."""

    database: Path
    recordings: Path
    voices: Path
    keys: tuple[Path, ...] = ()

    @property
    def folder(self) -> Path:
        return self.database.parent


class RegularFileMember(tarfile.TarInfo):
    """Accepts regular files only. Other headers would make tarfile read as many bytes as the archive claims."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        long_name = self.type == tarfile.GNUTYPE_LONGNAME and self.size <= _MAX_NAME_BYTES
        if self.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) and not long_name:
            raise invalid_backup("it contains something that is not a regular file")
        processed: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return processed


def checked_name(member: tarfile.TarInfo) -> str:
    """The name of a file of a backup. Raises InvalidRequest for any other member."""
    if not member.isreg() or not is_backup_name(member.name):
        raise invalid_backup(f"{member.name[:100]!r} does not belong in a backup")
    return member.name


def is_backup_name(name: str) -> bool:
    """Whether a backup may contain this name: a known file, or a printable path below ``recordings``, ``voices``
    or ``keys``."""
    top, *inner = name.split("/")
    if name not in (MANIFEST, DATABASE, SETTINGS, MODELS) and (top not in (RECORDINGS, VOICES, KEYS) or not inner):
        return False
    valid = name.isprintable() and "\\" not in name and len(name.encode(errors="replace")) < _MAX_NAME_BYTES
    return valid and not any(part in ("", ".", "..") for part in inner)


def copy_with_digest(
    source: IO[bytes], target: IO[bytes], size: int, on_copied: Callable[[int], None] = lambda _: None
) -> str:
    """Copies ``size`` bytes and returns their SHA-256, hex. Raises InvalidRequest when ``source`` is shorter.
    ``on_copied`` gets the number of bytes of each step."""
    digest = hashlib.sha256()
    while size:
        data = source.read(min(size, _CHUNK_BYTES))
        if not data:
            raise invalid_backup("it is truncated")
        digest.update(data)
        target.write(data)
        on_copied(len(data))
        size -= len(data)
    return digest.hexdigest()


def invalid_backup(reason: str) -> InvalidRequest:
    return InvalidRequest(f"this backup cannot be used: {reason}; nothing was changed")
