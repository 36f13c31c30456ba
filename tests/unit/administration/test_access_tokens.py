"""Access tokens: claims, and rejection of forged or altered tokens."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.administration.auth.access_tokens import AUDIENCE, ISSUER, AccessTokenSigner, InvalidToken
from deployments.administration.auth.secret_keys import load_jwt_secret
from deployments.administration.office.composition import open_office
from deployments.contracts.errors import InvalidRequest
from storage.environment import Environment
from tests.data_folders import fast_passwords
from tests.unit.administration.conftest import PASSWORD, EnvironmentOf

SECRET = b"0123456789abcdef0123456789abcdef"


def claims(**changes: object) -> dict[str, Any]:
    now = int(time.time())
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "admin", "role": "admin", "sid": "f", "jti": "j"}
    both = usual | {"iat": now, "nbf": now, "exp": now + 60} | changes
    return {name: value for name, value in both.items() if value is not None}


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def test_token_round_trip() -> None:
    signer = AccessTokenSigner(SECRET)
    read = signer.read(signer.sign("anna", "operator", "family", time.time(), 60))
    assert (read.username, read.role, read.session) == ("anna", "operator", "family")
    assert len(read.token_id) == 32


FORGED = {
    "another secret": jwt.encode(claims(), b"another secret of 32 bytes or so", "HS256"),
    "another algorithm": jwt.encode(claims(), SECRET * 2, "HS512"),
    "no algorithm": f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{encoded(claims())}.",
    "another audience": jwt.encode(claims(aud="secretary-widget"), SECRET, "HS256"),
    "several audiences": jwt.encode(claims(aud=[AUDIENCE, "other"]), SECRET, "HS256"),
    "another issuer": jwt.encode(claims(iss="somebody"), SECRET, "HS256"),
    "expired": jwt.encode(claims(exp=int(time.time()) - 1), SECRET, "HS256"),
    "not yet good": jwt.encode(claims(nbf=int(time.time()) + 600), SECRET, "HS256"),
    "made in the future": jwt.encode(claims(iat=int(time.time()) + 600), SECRET, "HS256"),
    "a number for a name": jwt.encode(claims(role=3), SECRET, "HS256"),
    "an endless life": jwt.encode(claims(exp="never"), SECRET, "HS256"),
    "a critical extension": jwt.encode(claims(), SECRET, "HS256", headers={"crit": ["x"], "x": 1}),
    "empty": "",
    "dots": "..",
    "huge": "a" * 100_000,
    "not ASCII": "й.й.й",
    **{f"without {name}": jwt.encode(claims(**{name: None}), SECRET, "HS256") for name in claims()},
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_token_forged_is_rejected(token: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        AccessTokenSigner(SECRET).read(token)
    assert caught.value.status == 401


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_token_altered_is_rejected(place: int, by: int) -> None:
    token = AccessTokenSigner(SECRET).sign("admin", "admin", "f", time.time(), 60).encode()
    place %= len(token)
    changed = token[:place] + bytes([token[place] ^ by]) + token[place + 1 :]
    if base64.urlsafe_b64decode(token.rpartition(b".")[2] + b"==") == _signature(changed):
        return  # the last character of base64 has bits that mean nothing
    with pytest.raises(InvalidToken):
        AccessTokenSigner(SECRET).read(changed.decode("latin-1"))


def _signature(token: bytes) -> bytes | None:
    head, _, tail = token.rpartition(b".")
    try:
        return base64.urlsafe_b64decode(tail + b"==") if head.count(b".") == 1 else None
    except ValueError:
        return None


@given(st.text(max_size=300))
def test_token_arbitrary_text_is_rejected(text: str) -> None:
    with pytest.raises(InvalidToken):
        AccessTokenSigner(SECRET).read(text)


@pytest.mark.parametrize("secret", ["short", "x" * 31, "й" * 15])
async def test_jwt_secret_too_short_is_rejected(environment_of: EnvironmentOf, secret: str) -> None:
    with pytest.raises(InvalidRequest, match="SECRETARY_JWT_SECRET"):
        await open_office(environment_of(admin_password=PASSWORD, jwt_secret=secret), passwords=fast_passwords())


def test_jwt_secret_file_is_created_once_0600(environment: Environment) -> None:
    first = load_jwt_secret(environment)
    assert len(first) >= 32
    assert load_jwt_secret(environment) == first
    assert environment.jwt_secret_path.stat().st_mode & 0o777 == 0o600
    environment.jwt_secret_path.write_bytes(b"")
    with pytest.raises(InvalidRequest, match=r"jwt\.secret"):
        load_jwt_secret(environment)
