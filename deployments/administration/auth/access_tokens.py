"""Access tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256, with one issuer and one audience."""

import secrets
from dataclasses import dataclass

import jwt

from deployments.contracts.errors import Unauthorized

ISSUER, AUDIENCE = "ai-secretary", "secretary-admin"
_ALGORITHMS = ["HS256"]
_CLAIMS = ["iss", "aud", "sub", "role", "sid", "jti", "iat", "nbf", "exp"]
_TYPE = "at+jwt"
_MAX_LENGTH = 2_048
_EXPIRED = "This access token has expired: POST /admin/auth/refresh."
_INVALID = "This access token is not valid: sign in again."


class InvalidToken(Unauthorized):
    """An access or refresh token is invalid or expired (RFC 6750, 3.1)."""

    code = "invalid_token"


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """Claims of an access token. ``session`` identifies the sign-in, ``token_id`` this token."""

    username: str
    role: str
    session: str
    token_id: str


class AccessTokenSigner:
    """Signs and reads access tokens. ``secret`` has at least 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, username: str, role: str, session: str, now: float, lifetime_s: float) -> str:
        """Returns a token that is valid from ``now`` (Unix seconds) for ``lifetime_s``."""
        issued_at = int(now)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": username,
            "role": role,
            "sid": session,
            "jti": secrets.token_hex(16),
            "iat": issued_at,
            "nbf": issued_at,
            "exp": issued_at + int(lifetime_s),
        }
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHMS[0], headers={"typ": _TYPE})

    def read(self, token: str) -> AccessClaims:
        """Returns the claims after checking signature, issuer, audience and expiry. Raises InvalidToken."""
        if len(token) > _MAX_LENGTH or not token.isascii():
            raise InvalidToken(_INVALID)
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=_ALGORITHMS,
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": _CLAIMS, "strict_aud": True},
            )
        except jwt.ExpiredSignatureError:
            raise InvalidToken(_EXPIRED) from None
        except (jwt.InvalidTokenError, ValueError, OverflowError):
            raise InvalidToken(_INVALID) from None
        texts = [claims[name] for name in ("sub", "role", "sid", "jti")]
        if not all(isinstance(text, str) for text in texts):
            raise InvalidToken(_INVALID)
        return AccessClaims(*texts)
