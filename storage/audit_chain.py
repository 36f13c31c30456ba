"""How audit rows hang together: the hash of each covers its fields and the hash before it."""

import hashlib
from dataclasses import dataclass
from datetime import UTC
from typing import Self

from storage.models import AuditRow

_DOMAIN = b"ai-secretary audit v1"
_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class ChainPosition:
    """A place in the chain: the row's id and its hash. Written as ``id:hash``."""

    id: int = 0
    hash: str = ""

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """The link of ``id:hash``; the beginning of the chain for anything else."""
        number, _, found = (text or "").partition(":")
        return cls(int(number), found) if number.isdecimal() else cls()

    def __str__(self) -> str:
        return f"{self.id}:{self.hash}"


def audit_row_hash(row: AuditRow, previous_hash: str) -> str:
    """SHA-256, hex, over every field of the row but its id, each behind its length (8 bytes, big endian), so that
    no two rows encode alike."""
    moment = row.created_at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = (previous_hash, moment, row.username, row.action, row.resource, row.resource_id, row.address, row.detail)
    digest = hashlib.sha256(_DOMAIN)
    for field in fields:
        encoded = field.encode()
        digest.update(len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded)
    return digest.hexdigest()


def is_chained(row: AuditRow, previous_hash: str) -> bool:
    """Whether the row is as it was written, right behind the row with the hash ``previous``."""
    return row.previous_hash == previous_hash and row.hash == audit_row_hash(row, previous_hash)
