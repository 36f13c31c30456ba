"""Verifies downloaded files by size and SHA-256, or by the git blob id where a hub gives only that."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deployments.models.catalogue import ModelFile
from deployments.models.errors import FileMismatch
from deployments.models.store import InstalledFile

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """The expected size and hash of a file; None is not checked.

    ``sha256`` comes from the catalogue, or from the hub for large files. ``git_blob`` is the git object id that a hub
    gives for small files: the SHA-1 of ``blob <size>\\0`` and the content. ``source`` is the origin of the hash.
    """

    path: str
    size: int | None = None
    sha256: str | None = None
    git_blob: str | None = None
    source: str = "catalogue"

    @classmethod
    def from_catalogue(cls, file: ModelFile) -> "ExpectedFile":
        return cls(file.path, file.size, file.sha256)

    @property
    def verified(self) -> str:
        return self.source if self.sha256 or self.git_blob else "nothing"


@dataclass(slots=True)
class FileDigest:
    """Size and SHA-256 of the bytes so far."""

    size: int = 0
    _sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def update(self, data: bytes) -> None:
        self.size += len(data)
        self._sha256.update(data)

    def update_from_file(self, path: Path, on_bytes: Callable[[int], None] = lambda count: None) -> None:
        with path.open("rb") as file:
            while data := file.read(_BLOCK):
                self.update(data)
                on_bytes(len(data))

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


def verify_file(expected: ExpectedFile, digest: FileDigest, path: Path) -> InstalledFile:
    """Compares a complete file with the expected values. Raises FileMismatch."""
    if expected.size is not None and digest.size != expected.size:
        raise FileMismatch(f"{expected.path} has {digest.size} bytes instead of {expected.size}")
    if expected.sha256 is not None and digest.sha256 != expected.sha256:
        raise FileMismatch(f"{expected.path} has SHA-256 {digest.sha256} instead of {expected.sha256}")
    if (
        expected.sha256 is None
        and expected.git_blob is not None
        and git_blob_id(path, digest.size) != expected.git_blob
    ):
        raise FileMismatch(f"{expected.path} differs from the git blob id of the hub")
    return InstalledFile(path=expected.path, size=digest.size, sha256=digest.sha256, verified=expected.verified)


def git_blob_id(path: Path, size: int) -> str:
    """The git object id of a file (git-hash-object)."""
    digest = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while data := file.read(_BLOCK):
            digest.update(data)
    return digest.hexdigest()
