"""What a backup is made of: an archive (tar, gzip) with a manifest of every part."""

import hashlib
import tarfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, Field

from deployments.contracts.errors import InvalidRequest

FORMAT = 1
MANIFEST, DATABASE, SETTINGS, MODELS = "manifest.json", "database.sqlite", "settings.json", "models.json"
RECORDINGS, KEYS = "recordings", "keys"
MAX_TEXT_BYTES = 10_000_000
"""Bytes of a manifest or another part that is read into memory."""

_PIECE = 1 << 20
_LONGEST_NAME = 1_000


class BackupFile(BaseModel):
    """One file of the archive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class BackupManifest(BaseModel):
    """Written as the last file. ``schema_revision`` is that of the tables, ``version`` that of the program."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    version: str
    schema_revision: str
    created_at: datetime
    with_keys: bool
    parts: tuple[BackupFile, ...]


@dataclass(frozen=True, slots=True)
class InstallationPaths:
    """Where an installation keeps what a backup holds. ``keys`` are the files of its secrets."""

    database: Path
    recordings: Path
    keys: tuple[Path, ...] = ()

    @property
    def folder(self) -> Path:
        return self.database.parent


class RegularFileMember(tarfile.TarInfo):
    """Refuses the headers that would make the reader take in whatever size an archive names."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        long_name = self.type == tarfile.GNUTYPE_LONGNAME and self.size <= _LONGEST_NAME
        if self.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) and not long_name:
            raise invalid_backup("it holds something that is no plain file")
        processed: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return processed


def checked_name(member: tarfile.TarInfo) -> str:
    """The name of a part that belongs into a backup. Raises InvalidRequest for any other."""
    if not member.isreg() or not is_backup_name(member.name):
        raise invalid_backup(f"{member.name[:100]!r} does not belong into a backup")
    return member.name


def is_backup_name(name: str) -> bool:
    """Whether a backup may hold a part of this name: nothing outside of its own folders, nothing that is odd."""
    top, *inner = name.split("/")
    if name not in (MANIFEST, DATABASE, SETTINGS, MODELS) and (top not in (RECORDINGS, KEYS) or not inner):
        return False
    plain = name.isprintable() and "\\" not in name and len(name.encode(errors="replace")) < _LONGEST_NAME
    return plain and not any(part in ("", ".", "..") for part in inner)


def copy_with_digest(source: IO[bytes], target: IO[bytes], size: int) -> str:
    """Copies ``size`` bytes; their SHA-256, hex. Raises InvalidRequest when the source ends before."""
    digest = hashlib.sha256()
    while size:
        data = source.read(min(size, _PIECE))
        if not data:
            raise invalid_backup("it ends too early")
        digest.update(data)
        target.write(data)
        size -= len(data)
    return digest.hexdigest()


def invalid_backup(reason: str) -> InvalidRequest:
    return InvalidRequest(f"this backup cannot be used: {reason}; nothing was changed")
