"""Live settings in the database: a row for each field of ``Settings`` that was ever changed; a group is one field."""

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
    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._rows: dict[str, SettingRow] | None = None
        self._reading: _Reading | None = None

    async def get(self) -> Settings:
        """Stored fields over the program's defaults. A stored field, also one inside a group, that this program does
        not understand (it was written by another version) is reported in the log and left at its default."""
        return (await self._read()).settings

    async def invalid_fields(self) -> tuple[str, ...]:
        """Stored fields, under dotted names, that this program knows and whose values it cannot take."""
        return tuple(sorted(".".join(map(str, path)) for path in (await self._read()).invalid))

    async def last_changed_revision(self) -> int:
        """The revision of the last change of any setting; 0 when none was ever changed."""
        return max((row.revision for row in (await self._stored()).values()), default=0)

    async def save(
        self, settings: Settings, revision: int, explicit_paths: Collection[tuple[int | str, ...]] = ()
    ) -> tuple[str, ...]:
        """Stores what differs from before, under ``revision``; the names of the fields that changed. What another
        version stored stays in its group, and that version finds it again: fields that this one does not know, and
        values that it cannot take, unless they were changed or are ``said`` (paths into the settings)."""
        rows, reading = await self._stored(), await self._read()
        before, after = reading.settings.model_dump(mode="json"), settings.model_dump(mode="json")
        renewed = {
            path for path in reading.invalid if path in explicit_paths or _value(after, path) != _value(before, path)
        }
        changed = tuple(
            name for name in after if after[name] != before[name] or any(path[0] == name for path in renewed)
        )
        values = {name: after[name] for name in changed}
        for path in (*reading.unknown, *(reading.invalid - renewed)):
            if path[0] in values:
                _carry_over(path, {name: row.value for name, row in rows.items()}, values)
        for name in changed:
            if (row := rows.get(name)) is None:
                row = rows[name] = SettingRow(name=name)
                self._session.add(row)
            row.value, row.revision = values[name], revision
        await self._session.flush()
        self._reading = None
        return changed

    async def _read(self) -> "_Reading":
        if self._reading is None:
            self._reading = _understood({row.name: row.value for row in (await self._stored()).values()})
        return self._reading

    async def _stored(self) -> dict[str, SettingRow]:
        """Every row by its name, read once in a unit of work: nobody else writes meanwhile."""
        if self._rows is None:
            self._rows = {row.name: row for row in await self._session.scalars(select(SettingRow))}
        return self._rows


@dataclass(frozen=True, slots=True)
class _Reading:
    """What stored rows say, and where in them stood what this program does not know, or knows and cannot take."""

    settings: Settings
    unknown: frozenset[_Path]
    invalid: frozenset[_Path]


def _understood(stored: Mapping[str, object]) -> _Reading:
    kept: dict[str, Any] = copy.deepcopy(dict(stored))
    unknown: set[_Path] = set()
    invalid: set[_Path] = set()
    while True:
        try:
            return _Reading(Settings.model_validate(kept), frozenset(unknown), frozenset(invalid))
        except ValidationError as error:
            wrong = {_place(kept, each["loc"]): each["type"] for each in error.errors()}
        for path, kind in wrong.items():
            (unknown if kind == "extra_forbidden" else invalid).add(path)
            _inside(kept, path[:-1]).pop(path[-1], None)
            logger.warning("stored setting %s is not understood and left out", ".".join(map(str, path)))


def _place(stored: dict[str, Any], place: _Path) -> _Path:
    """The innermost field on the way to ``place``: of a list, not one item but the whole is left out."""
    inside: Any = stored
    for depth, name in enumerate(place):
        if not isinstance(inside, dict) or name not in inside:
            return place[:depth]
        inside = inside[name]
    return place


def _inside(stored: Mapping[str, Any], path: _Path) -> dict[Any, Any]:
    inside: Any = stored
    for name in path:
        inside = inside.get(name, {}) if isinstance(inside, dict) else {}
    return inside if isinstance(inside, dict) else {}


def _value(settings: Mapping[str, Any], path: _Path) -> Any:
    return _inside(settings, path[:-1]).get(path[-1])


def _carry_over(path: _Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    _inside(after, path[:-1])[path[-1]] = copy.deepcopy(_inside(before, path[:-1])[path[-1]])
