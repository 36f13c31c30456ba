"""Secrets at rest: sealed texts, key files and the credentials that are handed out."""

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
_SHOWN_CHARACTERS = len(KEY_PREFIX) + 4
_SEAL = "v1."
_NONCE_BYTES = 12
_SHORTEST_KEY_BYTES = 32


class SealBroken(SecretaryError):
    """The text was not sealed with this key, or was changed since."""

    code = "seal_broken"


class Sealer:
    """AES-256-GCM (NIST SP 800-38D) with a random nonce; the cipher key is derived by HKDF (RFC 5869).

    Seals with ``key``; opens what was sealed with it or with one of ``others``. Raises InvalidRequest for a key of less
    than 32 bytes.
    """

    def __init__(self, key: bytes, *others: bytes) -> None:
        self._ciphers = tuple(_cipher(each) for each in (key, *others))

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """The sealer of the key in ``path``, which is created (mode 0600) when absent. While a rotation is under way
        the next key opens too."""
        following = next_key_path(path)
        return cls(read_or_create_secret(path), *((following.read_bytes().strip(),) if following.exists() else ()))

    def seal(self, text: str) -> str:
        """``text`` as a sealed, printable token; every call gives another one."""
        nonce = os.urandom(_NONCE_BYTES)
        return _SEAL + base64.urlsafe_b64encode(nonce + self._ciphers[0].encrypt(nonce, text.encode(), None)).decode()

    def open(self, sealed: str) -> str:
        """The text inside. Raises SealBroken."""
        for cipher in self._ciphers:
            with contextlib.suppress(InvalidTag, binascii.Error, ValueError):
                raw = base64.urlsafe_b64decode(sealed.removeprefix(_SEAL).encode())
                return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None).decode()
        raise SealBroken("a stored secret cannot be opened with this installation's secret key")


def _cipher(key: bytes) -> AESGCM:
    if len(key) < _SHORTEST_KEY_BYTES:
        raise InvalidRequest(f"the secret key needs {_SHORTEST_KEY_BYTES} characters or more", param="secret_key")
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=b"ai-secretary seal v1").derive(key))


def next_key_path(path: Path) -> Path:
    """Where the key lies that a rotation is going over to."""
    return path.with_name(f"{path.name}.next")


def read_or_create_secret(path: Path) -> bytes:
    """The secret in ``path``. When absent it is made of 32 random bytes, mode 0600, whole or not at all: of several
    processes that try at once, all get the one that came first."""
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
    """A fresh API key: ``sk-sec-`` and 32 random bytes, URL-safe."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def key_digest(key: str) -> str:
    """SHA-256 of a key, hex: what is stored instead of it."""
    return hashlib.sha256(key.encode()).hexdigest()


def key_prefix(key: str) -> str:
    """The beginning of a key that may be shown to people: never more than a quarter of it."""
    return key[: min(_SHOWN_CHARACTERS, len(key) // 4)]
