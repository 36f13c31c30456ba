"""Bodies and replies of ``/users``. Replies never contain a password hash."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from deployments.administration.office.drafts import StorableModel
from deployments.contracts.identity import Role


class UserReply(BaseModel):
    """A user. ``version`` is the ETag that a change names. ``password`` is set only when it was generated."""

    username: str
    role: Role
    enabled: bool
    must_change_password: bool
    created_at: datetime | None
    version: int
    password: str | None = None


class UserList(BaseModel):
    users: list[UserReply]
    total: int


class NewUser(StorableModel):
    """Without ``password`` one is generated. The user must change it at the first login."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(min_length=1, max_length=100)
    role: Role = Role.VIEWER
    password: SecretStr | None = Field(default=None, max_length=1_000)


class UserPatch(StorableModel):
    """Only given fields change. ``reset_password`` generates a temporary password, ``password`` sets one."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    enabled: bool | None = None
    password: SecretStr | None = Field(default=None, max_length=1_000)
    reset_password: bool = False
    version: int | None = Field(default=None, ge=0)
