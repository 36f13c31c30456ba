"""Loads the installation's secret keys: the one that encrypts stored secrets and the one that signs tokens."""

from deployments.contracts.errors import InvalidRequest
from storage.environment import Environment
from storage.secrets import Sealer, read_or_create_secret

_MIN_JWT_SECRET_BYTES = 32
"""A key for HMAC-SHA-256 is at least as long as its output (RFC 7518, 3.2)."""


def load_sealer(environment: Environment) -> Sealer:
    """Returns a sealer with the key from the environment or from the key file, which is created if absent."""
    if environment.secret_key is not None:
        return Sealer(environment.secret_key.get_secret_value().encode())
    return Sealer.from_file(environment.secret_key_path)


def load_jwt_secret(environment: Environment) -> bytes:
    """Returns the key that signs tokens, from the environment or from its file, which is created if absent.

    Raises InvalidRequest if the key is too short.
    """
    given = environment.jwt_secret
    secret = (
        given.get_secret_value().encode() if given is not None else read_or_create_secret(environment.jwt_secret_path)
    )
    if len(secret) < _MIN_JWT_SECRET_BYTES:
        source = "SECRETARY_JWT_SECRET" if given is not None else str(environment.jwt_secret_path)
        remedy = "use a longer one" if given is not None else "delete the file, and a new one is created"
        raise InvalidRequest(
            f"{source} has {len(secret)} bytes; {_MIN_JWT_SECRET_BYTES} are required: {remedy}", param="jwt_secret"
        )
    return secret
