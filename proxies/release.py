"""The release of xray that ``secretary proxies install`` fetches, and how its archive becomes a program.

The hashes are those of the archives of XTLS/Xray-core v26.3.27.
"""

import hashlib
import io
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proxies.errors import CoreFailed, CoreMissing

MAX_ARCHIVE_BYTES = 100_000_000
_MAX_PROGRAM_BYTES = 200_000_000
_PROGRAM = "xray"
_REPOSITORY = "https://github.com/XTLS/Xray-core/releases/download"
DOWNLOAD_HOSTS = frozenset(("github.com", "objects.githubusercontent.com", "release-assets.githubusercontent.com"))


@dataclass(frozen=True, slots=True)
class CoreRelease:
    """An archive with the program. ``sha256`` is that of the archive."""

    version: str
    archive: str
    sha256: str

    @property
    def url(self) -> str:
        return f"{_REPOSITORY}/v{self.version}/{self.archive}"


_VERSION = "26.3.27"
_RELEASES: Mapping[str, CoreRelease] = {
    "x86_64": CoreRelease(
        _VERSION, "Xray-linux-64.zip", "23cd9af937744d97776ee35ecad4972cf4b2109d1e0fe6be9930467608f7c8ae"
    ),
    "aarch64": CoreRelease(
        _VERSION, "Xray-linux-arm64-v8a.zip", "4d30283ae614e3057f730f67cd088a42be6fdf91f8639d82cb69e48cde80413c"
    ),
}


def find_release(system: str, machine: str) -> CoreRelease:
    """The release for what ``platform.system()`` and ``platform.machine()`` return. Raises CoreMissing."""
    release = _RELEASES.get({"amd64": "x86_64", "arm64": "aarch64"}.get(machine.lower(), machine.lower()))
    if system != "Linux" or release is None:
        raise CoreMissing(
            f"there is no pinned xray for {system} on {machine}: install it yourself, then SECRETARY_XRAY"
        )
    return release


def unpack(archive: bytes, release: CoreRelease, folder: Path) -> Path:
    """Checks ``archive`` and writes its program to ``folder``, at once or not at all. Raises CoreFailed."""
    if hashlib.sha256(archive).hexdigest() != release.sha256:
        raise CoreFailed(f"{release.archive} is not the pinned release: its SHA-256 differs. Nothing was installed")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            if files.getinfo(_PROGRAM).file_size > _MAX_PROGRAM_BYTES:
                raise CoreFailed(f"{release.archive} is too large")
            program = files.read(_PROGRAM)
    except (zipfile.BadZipFile, KeyError) as error:
        raise CoreFailed(f"{release.archive} holds no xray") from error
    folder.mkdir(parents=True, exist_ok=True)
    target, incoming = folder / _PROGRAM, folder / f".{_PROGRAM}.{os.getpid()}"
    incoming.write_bytes(program)
    incoming.chmod(0o755)
    incoming.replace(target)
    return target
