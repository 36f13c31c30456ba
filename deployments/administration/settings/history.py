"""The history of a setting, read from the audit log."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from deployments.administration.audit.audit_log import AuditFilter, AuditLog, AuditRecord

_PAGE = 500
_MAX_EVENTS = 5_000
_CHANGE = re.compile(r"(?:^|; )([a-z_]+(?:\.[a-z_]+)?): ")
_ARROW = " → "


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One change of a setting. ``old`` and ``new`` are JSON, cut after 200 characters."""

    at: datetime
    by: str
    old: str
    new: str


class SettingsHistory:
    """Searches the newest events of the settings in the audit log."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    async def of_field(self, path: str, limit: int = 50) -> tuple[SettingChange, ...]:
        """The changes of a field such as ``llm.temperature``, the newest first."""
        found: list[SettingChange] = []
        for offset in range(0, _MAX_EVENTS, _PAGE):
            records, total = await self._audit.find(AuditFilter(resource="settings"), _PAGE, offset)
            found += [change for record in records for change in _changes(record, path)]
            if len(found) >= limit or offset + _PAGE >= total:
                break
        return tuple(found[:limit])


def _changes(record: AuditRecord, path: str) -> Iterator[SettingChange]:
    for name, old, new in parse_detail(record.event.detail):
        if name == path and record.event.at is not None:
            yield SettingChange(record.event.at, record.event.username, old, new)


def parse_detail(detail: str) -> Iterator[tuple[str, str, str]]:
    """Field, old and new value of each change in the detail of an audit event."""
    starts = [match for match in _CHANGE.finditer(detail) if _ARROW in detail[match.end() :]]
    for index, match in enumerate(starts):
        end = starts[index + 1].start() if index + 1 < len(starts) else len(detail)
        old, arrow, new = detail[match.end() : end].partition(_ARROW)
        if arrow:
            yield match[1], old, new
