"""Bodies and replies of ``/auth``."""

from pydantic import BaseModel, Field, SecretStr

from deployments.administration.office.drafts import StorableModel
from deployments.contracts.identity import Role


class LoginRequest(StorableModel):
    username: str = Field(min_length=1, max_length=200)
    password: SecretStr = Field(min_length=1, max_length=1_000)


class RefreshRequest(StorableModel):
    refresh_token: SecretStr = Field(min_length=1, max_length=200)


class PasswordChangeRequest(StorableModel):
    old: SecretStr = Field(min_length=1, max_length=1_000)
    new: SecretStr = Field(min_length=1, max_length=1_000)


class TokenReply(BaseModel):
    """Tokens of a sign-in. ``expires_in`` and ``refresh_expires_in`` are seconds."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - a kind of token (RFC 6749, 7.1)
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    must_change_password: bool


class SignedInUser(BaseModel):
    username: str
    role: Role
    must_change_password: bool


class AuthStatus(BaseModel):
    """Public reply without user names."""

    enabled: bool = True
    jwt_expiration_hours: float
