"""Access tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256, of one issuer for one audience."""

import secrets
from dataclasses import dataclass

import jwt

from deployments.contracts.errors import Unauthorized

ISSUER, AUDIENCE = "ai-secretary", "secretary-admin"
_ALGORITHMS = ["HS256"]
_CLAIMS = ["iss", "aud", "sub", "role", "sid", "jti", "iat", "nbf", "exp"]
_TYPE = "at+jwt"
_LONGEST = 2_048
_EXPIRED = "This access token has expired: POST /admin/auth/refresh."
_WRONG = "This access token is not valid: sign in again."


class InvalidToken(Unauthorized):
    """RFC 6750, 3.1."""

    code = "invalid_token"


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a token says: ``session`` is the sign-in, ``token_id`` this one token."""

    username: str
    role: str
    session: str
    token_id: str


class AccessTokenSigner:
    """``secret`` has 32 bytes or more."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, username: str, role: str, session: str, now: float, lifetime_s: float) -> str:
        """A token that is good from ``now`` (Unix seconds) for ``lifetime_s``."""
        began = int(now)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": username,
            "role": role,
            "sid": session,
            "jti": secrets.token_hex(16),
            "iat": began,
            "nbf": began,
            "exp": began + int(lifetime_s),
        }
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHMS[0], headers={"typ": _TYPE})

    def read(self, token: str) -> AccessClaims:
        """The claims of a token that is ours, for this audience, and good now. Raises InvalidToken."""
        if len(token) > _LONGEST or not token.isascii():
            raise InvalidToken(_WRONG)
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
            raise InvalidToken(_WRONG) from None
        texts = [claims[name] for name in ("sub", "role", "sid", "jti")]
        if not all(isinstance(text, str) for text in texts):
            raise InvalidToken(_WRONG)
        return AccessClaims(*texts)
