"""Tables of the installation: revisions, the audit log and facts."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import EMPTY, Base, now


class RevisionRow(Base):
    """A committed change of the snapshot. ``revision`` increases by one, without gaps."""

    __tablename__ = "revisions"

    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created_at: Mapped[datetime] = mapped_column(default=now)


class AuditRow(Base):
    """An audit event. ``detail`` names fields and contains no secrets or bodies. Rows are append-only.

    ``hash`` is the SHA-256 of the row and the previous hash. A changed or removed row breaks the chain.
    """

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
    username: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(50))
    resource: Mapped[str] = mapped_column(String(50))
    resource_id: Mapped[str] = mapped_column(String(100), default="")
    address: Mapped[str] = mapped_column(String(45), default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    previous_hash: Mapped[str] = mapped_column(String(64), default="", server_default=EMPTY)
    hash: Mapped[str] = mapped_column(String(64), default="", server_default=EMPTY)


class InstallationRow(Base):
    """A fact about the installation, for example that the seed data was inserted."""

    __tablename__ = "installation"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=now)
