"""Credentials of ``/v1``."""

from collections.abc import Sequence

from deployments.contracts.settings import ApiKey


class ApiKeys:
    async def list(self) -> tuple[ApiKey, ...]:
        """Every key that was not revoked."""
        raise NotImplementedError

    async def create(self, name: str, scopes: Sequence[str], by: str) -> tuple[ApiKey, str]:
        """The stored key and, this one time, the plain text of it."""
        raise NotImplementedError

    async def revoke(self, key_id: int, by: str) -> None:
        """Raises NotFound."""
        raise NotImplementedError
