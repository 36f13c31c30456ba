"""Tables of accounts: users, API keys, refresh tokens and consents."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import EMPTY, EMPTY_OBJECT, Base, now


class UserRow(Base):
    """A user of the panel. ``username`` is case folded, ``password_hash`` is an argon2id string."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(100), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(20), default="viewer")
    enabled: Mapped[bool] = mapped_column(default=True)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    def __repr__(self) -> str:
        return f"UserRow(id={self.id!r}, username={self.username!r})"


class ApiKeyRow(Base):
    """An API key, stored as its SHA-256. Revoked keys are kept, so that they never become valid again."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]]
    limits: Mapped[dict[str, int]] = mapped_column(server_default=EMPTY_OBJECT)
    owner: Mapped[str] = mapped_column(String(100), default="", server_default=EMPTY)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class RefreshTokenRow(Base):
    """A refresh token, stored as its SHA-256. Tokens of one sign-in share a ``family``, which is revoked when a used
    token is presented again (RFC 9700, section 4.14.2)."""

    __tablename__ = "refresh_tokens"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    family: Mapped[str] = mapped_column(String(36), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    address: Mapped[str] = mapped_column(String(45), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ConsentRow(Base):
    """A consent of a person (``kind``: recording, voice_clone, storage), with its wording."""

    __tablename__ = "consents"

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(20))
    source_id: Mapped[str] = mapped_column(String(100), default="")
    person: Mapped[str] = mapped_column(String(200), index=True)
    kind: Mapped[str] = mapped_column(String(30))
    wording: Mapped[str] = mapped_column(String(2000), default="")
    given_at: Mapped[datetime] = mapped_column(default=now)
    withdrawn_at: Mapped[datetime | None]
