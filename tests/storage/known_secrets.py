"""Unmistakable secrets, one for every place where a person or the environment may enter one.

A new kind of secret is added here, and to ``enter`` of ``entering``: then every place that the office writes to is
searched for it.
"""

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

SECRETS = {
    "admin password": "pw-KESTREL-admin-password-41",
    "new admin password": "pw-KESTREL-changed-password-42",
    "refused password": "pw-KESTREL-wrong-password-43",
    "API key of the environment": "sk-sec-KESTREL-environment-key-0123456789abcdef",
    "Telegram token of the environment": "4200000001:KESTREL-environment-token",
    "Telegram token of the panel": "4200000002:KESTREL-panel-token",
    "secret key": "KESTREL-secret-key-that-seals-everything-0123",
    "JWT secret": "KESTREL-jwt-secret-that-signs-every-token-0123",
    "API key of a provider": "sk-KESTREL-provider-key-44-abcdefghijklmnop",
    "user of a VLESS link": "6b657374-7265-4c21-8000-4b4553545245",
    "password of the database": "pw-KESTREL:database/password@45",
    "password of Redis": "pw-KESTREL-redis-password-46",
}
"""Name -> plain text. The environment gives its own at the start; the others are entered later."""

VLESS_LINK = f"vless://{SECRETS['user of a VLESS link']}@proxy.example.org:443?security=reality#x"


def find_leaks(contents: Iterable[tuple[str, bytes]], secrets: dict[str, str]) -> list[str]:
    """ "PLACE: NAME" for every secret that is written in a place: plain, in Base64, or as part of an address."""
    needles = [(name, needle) for name, secret in secrets.items() for needle in _spellings(secret)]
    return sorted({f"{place}: {name}" for place, content in contents for name, needle in needles if needle in content})


def files_of(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Every readable file below the folders."""
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()


def _spellings(secret: str) -> set[bytes]:
    plain = secret.encode()
    aligned = base64.b64encode(plain)[: len(plain) // 3 * 4]
    wide = secret.encode("utf-16-le")
    folded = secret.casefold().encode()  # as the names of people are stored
    return {
        plain,
        folded,
        aligned,
        base64.urlsafe_b64encode(plain)[: len(aligned)],
        wide,
        quote(secret, safe="").encode(),
    }
