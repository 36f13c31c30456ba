"""Refresh tokens: ``<family>.<random>.<tag>``. The family identifies the sign-in. The tag is a signature of the
office, so that a reused token is recognised even after its row was removed (RFC 9700, 4.14.2)."""

import base64
import hmac
import re
import secrets

_SHAPE = re.compile(r"([0-9a-f]{32})\.[\w-]{43}\.[\w-]{43}|[\w-]{43}", re.ASCII)
_DOMAIN = b"refresh token "  # access tokens are signed over texts without a space


class RefreshTokenSigner:
    """Signs refresh tokens. ``secret`` has at least 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, family: str) -> str:
        """Returns a new token of ``family`` (32 hexadecimal digits)."""
        text = f"{family}.{secrets.token_urlsafe(32)}"
        return f"{text}.{self._tag(text)}"

    def family(self, token: str) -> str | None:
        """Returns the family of a token with a valid tag, else None."""
        text, _, tag = token.rpartition(".")
        if not text or not is_refresh_token(token) or not hmac.compare_digest(tag, self._tag(text)):
            return None
        return text.partition(".")[0]

    def _tag(self, text: str) -> str:
        tag = hmac.digest(self._secret, _DOMAIN + text.encode(), "sha256")
        return base64.urlsafe_b64encode(tag).decode().rstrip("=")


def is_refresh_token(text: str) -> bool:
    """Returns whether ``text`` has the format of a refresh token, of this version or an earlier one."""
    return _SHAPE.fullmatch(text) is not None
