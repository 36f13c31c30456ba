"""One recognizable secret for every input that takes one, and the search for them.

Add a new kind of secret here and to ``enter_secrets`` of ``secret_exposure``.
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
"""Name -> plain text."""

VLESS_LINK = f"vless://{SECRETS['user of a VLESS link']}@proxy.example.org:443?security=tls#x"


def find_leaks(contents: Iterable[tuple[str, bytes]], secrets: dict[str, str]) -> list[str]:
    """Returns "CONTENT: NAME" for every secret that a content has in plain text, in Base64 or URL encoded."""
    encoded = [(name, each) for name, secret in secrets.items() for each in _encodings(secret)]
    return sorted({f"{label}: {name}" for label, content in contents for name, each in encoded if each in content})


def files_of(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """The path and the content of every file below the folders."""
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()


def _encodings(secret: str) -> set[bytes]:
    plain = secret.encode()
    aligned = base64.b64encode(plain)[: len(plain) // 3 * 4]
    wide = secret.encode("utf-16-le")
    folded = secret.casefold().encode()  # as user names are stored
    return {
        plain,
        folded,
        aligned,
        base64.urlsafe_b64encode(plain)[: len(aligned)],
        wide,
        quote(secret, safe="").encode(),
    }
