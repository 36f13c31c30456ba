"""Where this installation's own keys come from: the one that seals secrets, the one that signs tokens."""

from deployments.contracts.errors import InvalidRequest
from storage.environment import Environment
from storage.secrets import Sealer, read_or_create_secret

_SHORTEST_JWT_SECRET = 32
"""Bytes: a key for HMAC-SHA-256 is at least as long as its output (RFC 7518, 3.2)."""


def load_sealer(environment: Environment) -> Sealer:
    """The sealer of the key in the environment, else of the key file, which is created when absent."""
    if environment.secret_key is not None:
        return Sealer(environment.secret_key.get_secret_value().encode())
    return Sealer.from_file(environment.secret_key_path)


def load_jwt_secret(environment: Environment) -> bytes:
    """What signs access tokens: of the environment, else of its file, which is created when absent.

    Raises InvalidRequest when it is too short to be safe.
    """
    given = environment.jwt_secret
    secret = (
        given.get_secret_value().encode() if given is not None else read_or_create_secret(environment.jwt_secret_path)
    )
    if len(secret) < _SHORTEST_JWT_SECRET:
        place = "SECRETARY_JWT_SECRET" if given is not None else str(environment.jwt_secret_path)
        remedy = "give it more" if given is not None else "delete the file and another one is made"
        raise InvalidRequest(
            f"{place} has {len(secret)} bytes; {_SHORTEST_JWT_SECRET} or more are needed: {remedy}", param="jwt_secret"
        )
    return secret
