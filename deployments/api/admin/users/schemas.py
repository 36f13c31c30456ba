"""People over HTTP. No password and no hash of one is ever read here."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from deployments.administration.office.drafts import StorableModel
from deployments.contracts.identity import Role


class UserReply(BaseModel):
    """``version`` is the ETag; a change names it. ``password`` is shown the one time that one was generated."""

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
    """Without ``password`` one is generated. Either must be changed at the first sign-in."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(min_length=1, max_length=100)
    role: Role = Role.VIEWER
    password: SecretStr | None = Field(default=None, max_length=1_000)


class UserPatch(StorableModel):
    """Only what is given changes. ``reset_password`` generates a first password, ``password`` gives one."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    enabled: bool | None = None
    password: SecretStr | None = Field(default=None, max_length=1_000)
    reset_password: bool = False
    version: int | None = Field(default=None, ge=0)
