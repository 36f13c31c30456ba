"""Refresh tokens: ``<family>.<random>.<tag>``. The sign-in that a token belongs to can be read from it, and nobody but
the office can make one (RFC 9700, 4.14.2), so that a token whose row is forgotten is still known for one of its own."""

import base64
import hmac
import re
import secrets

_SHAPE = re.compile(r"([0-9a-f]{32})\.[\w-]{43}\.[\w-]{43}|[\w-]{43}", re.ASCII)
_DOMAIN = b"refresh token "  # no access token is signed over a text with a space


class RefreshTokenSigner:
    """``secret`` has 32 bytes or more."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, family: str) -> str:
        """A fresh token of ``family`` (32 hexadecimal digits)."""
        text = f"{family}.{secrets.token_urlsafe(32)}"
        return f"{text}.{self._tag(text)}"

    def family(self, token: str) -> str | None:
        """The family of a token that was made here; None for any other text."""
        text, _, tag = token.rpartition(".")
        if not text or not is_refresh_token(token) or not hmac.compare_digest(tag, self._tag(text)):
            return None
        return text.partition(".")[0]

    def _tag(self, text: str) -> str:
        tag = hmac.digest(self._secret, _DOMAIN + text.encode(), "sha256")
        return base64.urlsafe_b64encode(tag).decode().rstrip("=")


def is_refresh_token(text: str) -> bool:
    """Whether ``text`` has the shape of one, or of those that earlier versions made."""
    return _SHAPE.fullmatch(text) is not None
