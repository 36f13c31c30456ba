"""Live settings: one row for each changed top-level field of ``Settings``.

Rows may come from another version of the program. Values that this version does not know, or that it knows but does not
accept, are ignored and kept.
"""

import copy
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from deployments.contracts.settings import Settings
from storage.models import SettingRow

logger = logging.getLogger(__name__)

_Path = tuple[int | str, ...]


class SettingsRepository:
    """Stores ``Settings``."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._rows: dict[str, SettingRow] | None = None
        self._parsed: _StoredSettings | None = None

    async def get(self) -> Settings:
        """The stored settings, with defaults for all others. Unknown and invalid values are logged and get their
        default."""
        return (await self._parse()).settings

    async def invalid_fields(self) -> tuple[str, ...]:
        """Dotted names of known fields with invalid stored values."""
        return tuple(sorted(".".join(map(str, path)) for path in (await self._parse()).invalid))

    async def last_changed_revision(self) -> int:
        """The revision of the last change of any setting, or 0."""
        return max((row.revision for row in (await self._stored_rows()).values()), default=0)

    async def save(
        self, settings: Settings, revision: int, explicit_paths: Collection[tuple[int | str, ...]] = ()
    ) -> tuple[str, ...]:
        """Stores the changed fields with ``revision`` and returns their names. Unknown and invalid values inside them
        are kept, except values that changed or whose paths are in ``explicit_paths``."""
        rows, parsed = await self._stored_rows(), await self._parse()
        before, after = parsed.settings.model_dump(mode="json"), settings.model_dump(mode="json")
        replaced = {
            path for path in parsed.invalid if path in explicit_paths or _value(after, path) != _value(before, path)
        }
        changed = tuple(
            name for name in after if after[name] != before[name] or any(path[0] == name for path in replaced)
        )
        values = {name: after[name] for name in changed}
        for path in (*parsed.unknown, *(parsed.invalid - replaced)):
            if path[0] in values:
                _carry_over(path, {name: row.value for name, row in rows.items()}, values)
        for name in changed:
            if (row := rows.get(name)) is None:
                row = rows[name] = SettingRow(name=name)
                self._session.add(row)
            row.value, row.revision = values[name], revision
        await self._session.flush()
        self._parsed = None
        return changed

    async def _parse(self) -> "_StoredSettings":
        if self._parsed is None:
            self._parsed = _parse_rows({row.name: row.value for row in (await self._stored_rows()).values()})
        return self._parsed

    async def _stored_rows(self) -> dict[str, SettingRow]:
        """All rows by name, cached: nobody else writes during a unit of work."""
        if self._rows is None:
            self._rows = {row.name: row for row in await self._session.scalars(select(SettingRow))}
        return self._rows


@dataclass(frozen=True, slots=True)
class _StoredSettings:
    """Parsed rows, and the paths of their unknown and invalid values."""

    settings: Settings
    unknown: frozenset[_Path]
    invalid: frozenset[_Path]


def _parse_rows(stored: Mapping[str, object]) -> _StoredSettings:
    valid: dict[str, Any] = copy.deepcopy(dict(stored))
    unknown: set[_Path] = set()
    invalid: set[_Path] = set()
    while True:
        try:
            return _StoredSettings(Settings.model_validate(valid), frozenset(unknown), frozenset(invalid))
        except ValidationError as error:
            wrong = {_innermost_field(valid, each["loc"]): each["type"] for each in error.errors()}
        for path, kind in wrong.items():
            (unknown if kind == "extra_forbidden" else invalid).add(path)
            _inside(valid, path[:-1]).pop(path[-1], None)
            logger.warning(
                "the stored setting %s is ignored: this version does not accept it", ".".join(map(str, path))
            )


def _innermost_field(stored: dict[str, Any], path: _Path) -> _Path:
    """The longest prefix of ``path`` that leads through mappings only: of a list, the whole is dropped."""
    value: Any = stored
    for depth, name in enumerate(path):
        if not isinstance(value, dict) or name not in value:
            return path[:depth]
        value = value[name]
    return path


def _inside(stored: Mapping[str, Any], path: _Path) -> dict[Any, Any]:
    """The mapping at ``path``, or an empty one."""
    value: Any = stored
    for name in path:
        value = value.get(name, {}) if isinstance(value, dict) else {}
    return value if isinstance(value, dict) else {}


def _value(settings: Mapping[str, Any], path: _Path) -> Any:
    return _inside(settings, path[:-1]).get(path[-1])


def _carry_over(path: _Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    _inside(after, path[:-1])[path[-1]] = copy.deepcopy(_inside(before, path[:-1])[path[-1]])
