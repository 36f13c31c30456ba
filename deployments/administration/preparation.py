"""Makes an installation ready: directories, tables, seed, first administrator and first key."""

from dataclasses import dataclass, field

from storage.environment import Environment


@dataclass(frozen=True, slots=True)
class FirstCredentials:
    """Credentials that were generated just now, in plain text; None where the environment gave one."""

    admin_password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)


async def prepare(environment: Environment) -> FirstCredentials | None:
    """Idempotent. The generated credentials the one time they are made, else None."""
    raise NotImplementedError
