"""Reads the manifest of a backup without unpacking it."""

import tarfile
import zlib
from pathlib import Path

from pydantic import ValidationError

from storage.backup_archive import MANIFEST, MAX_TEXT_BYTES, BackupManifest, RegularFileMember, invalid_backup


def read_manifest(archive: Path) -> BackupManifest:
    """Decompresses the whole archive, because its manifest is the last file. Raises InvalidRequest for a damaged one,
    FileNotFoundError."""
    try:
        with tarfile.open(archive, "r|gz", tarinfo=RegularFileMember) as members:
            for member in members:
                source = members.extractfile(member) if member.name == MANIFEST else None
                if source is not None and member.size <= MAX_TEXT_BYTES:
                    return BackupManifest.model_validate_json(source.read())
    except (tarfile.TarError, EOFError, zlib.error, ValidationError):
        raise invalid_backup("it is damaged") from None
    raise invalid_backup("its manifest is missing")
