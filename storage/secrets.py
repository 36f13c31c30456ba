"""Secrets at rest: encryption of stored texts, key files and generated API keys."""

import base64
import binascii
import contextlib
import hashlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from deployments.contracts.errors import InvalidRequest, SecretaryError

KEY_PREFIX = "sk-sec-"
_PREFIX_CHARACTERS = len(KEY_PREFIX) + 4
_SEAL_VERSION = "v1."
_NONCE_BYTES = 12
_MIN_KEY_BYTES = 32


class SealBroken(SecretaryError):
    """The text was sealed with another key, or it was changed."""

    code = "seal_broken"


class Sealer:
    """Encrypts texts by AES-256-GCM (NIST SP 800-38D) with a random nonce. HKDF (RFC 5869) derives the cipher key.

    Encrypts with ``key`` and decrypts with ``key`` or one of ``others``. Raises InvalidRequest for a key shorter than
    32 bytes.
    """

    def __init__(self, key: bytes, *others: bytes) -> None:
        self._ciphers = tuple(_cipher(each) for each in (key, *others))

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Uses the key in ``path``, which is created (mode 0600) when absent, and the next key of an unfinished
        rotation for decryption."""
        next_path = next_key_path(path)
        return cls(read_or_create_secret(path), *((next_path.read_bytes().strip(),) if next_path.exists() else ()))

    def seal(self, text: str) -> str:
        """Encrypts ``text`` into a printable token. Every call gives a different one."""
        nonce = os.urandom(_NONCE_BYTES)
        return (
            _SEAL_VERSION
            + base64.urlsafe_b64encode(nonce + self._ciphers[0].encrypt(nonce, text.encode(), None)).decode()
        )

    def open(self, sealed: str) -> str:
        """Decrypts a token. Raises SealBroken."""
        for cipher in self._ciphers:
            with contextlib.suppress(InvalidTag, binascii.Error, ValueError):
                raw = base64.urlsafe_b64decode(sealed.removeprefix(_SEAL_VERSION).encode())
                return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None).decode()
        raise SealBroken("a stored secret cannot be opened with this installation's secret key")


def _cipher(key: bytes) -> AESGCM:
    if len(key) < _MIN_KEY_BYTES:
        raise InvalidRequest(f"the secret key needs {_MIN_KEY_BYTES} characters or more", param="secret_key")
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=b"ai-secretary seal v1").derive(key))


def next_key_path(path: Path) -> Path:
    """The file of the new key during a rotation."""
    return path.with_name(f"{path.name}.next")


def read_or_create_secret(path: Path) -> bytes:
    """Returns the secret in ``path``. An absent file is created from 32 random bytes, mode 0600, atomically: concurrent
    processes all get the same secret."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path, secrets.token_urlsafe(32).encode())
    return path.read_bytes().strip()


def _create(path: Path, content: bytes) -> None:
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)


def new_api_key() -> str:
    """Generates an API key: ``sk-sec-`` and 32 random bytes, URL-safe."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def key_digest(key: str) -> str:
    """The SHA-256 of a key, hex, which is stored instead of the key."""
    return hashlib.sha256(key.encode()).hexdigest()


def key_prefix(key: str) -> str:
    """The start of a key for display: at most a quarter of it."""
    return key[: min(_PREFIX_CHARACTERS, len(key) // 4)]
