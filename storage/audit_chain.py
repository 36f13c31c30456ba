"""The hash chain of the audit log: the hash of a row covers its fields and the hash of the row before it."""

import hashlib
from dataclasses import dataclass
from datetime import UTC
from typing import Self

from storage.models import AuditRow

_DOMAIN = b"ai-secretary audit v1"
_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class ChainPosition:
    """A row's id and hash, written as ``id:hash``. The default is the position before the first row."""

    id: int = 0
    hash: str = ""

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Parses ``id:hash``. Any other text gives the position before the first row."""
        number, _, row_hash = (text or "").partition(":")
        return cls(int(number), row_hash) if number.isdecimal() else cls()

    def __str__(self) -> str:
        return f"{self.id}:{self.hash}"


def audit_row_hash(row: AuditRow, previous_hash: str) -> str:
    """SHA-256, hex, over ``previous_hash`` and every field of the row except its id.

    Each field is preceded by its length (8 bytes, big endian), so two different rows never encode alike.
    """
    created_at = row.created_at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = (
        *(previous_hash, created_at, row.username, row.action),
        *(row.resource, row.resource_id, row.address, row.detail),
    )
    digest = hashlib.sha256(_DOMAIN)
    for field in fields:
        encoded = field.encode()
        digest.update(len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded)
    return digest.hexdigest()


def is_chained(row: AuditRow, previous_hash: str) -> bool:
    """Whether the row is unchanged and follows the row with the hash ``previous_hash``."""
    return row.previous_hash == previous_hash and row.hash == audit_row_hash(row, previous_hash)
