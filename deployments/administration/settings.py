"""Live behaviour, as people change it."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from deployments.administration.builtin_presets import BUILTIN_PRESETS
from deployments.administration.desk import ChangeDesk
from deployments.administration.drafts import overlaid
from deployments.administration.snapshots import Part
from deployments.contracts.chat import Route
from deployments.contracts.errors import Conflict, InvalidRequest, ModelNotFound
from deployments.contracts.settings import Settings
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.work import UnitOfWork


class SettingsAdministration:
    """Reads and replaces the settings; a change is in force everywhere as soon as it is published."""

    def __init__(self, database: Database, desk: ChangeDesk) -> None:
        self._database = database
        self._desk = desk

    async def get(self) -> Settings:
        """The settings in force."""
        async with self._database.unit_of_work() as work:
            return await work.settings.get()

    async def update(self, changes: Settings, expected_revision: int, by: str) -> Settings:
        """Replaces the settings. ``expected_revision`` is the snapshot revision at which they were read: Conflict when
        somebody changed the settings (not merely anything) after it. InvalidRequest names a field that cannot work."""

        async def edit(work: UnitOfWork, revision: int) -> tuple[Settings, AuditEvent]:
            if await work.settings.changed_at() > expected_revision:
                raise Conflict("the settings were changed by somebody else meanwhile; read them again")
            return await _saved(work, changes, revision, by)

        return await self._desk.change(Part.SETTINGS, edit)

    async def adjust(self, changes: Mapping[str, object], by: str, group: str | None = None) -> Settings:
        """Changes single fields of the settings as they are now, or of one ``group`` of them (llm, speech ...), whoever
        changed others before. Raises InvalidRequest naming a field that cannot work."""

        async def edit(work: UnitOfWork, revision: int) -> tuple[Settings, AuditEvent]:
            settings = await work.settings.get()
            return await _saved(work, _adjusted(settings, changes, group), revision, by)

        return await self._desk.change(Part.SETTINGS, edit)


def _adjusted(settings: Settings, changes: Mapping[str, object], group: str | None) -> Settings:
    if group is None:
        return overlaid(Settings, settings.model_dump(), changes)
    part = getattr(settings, group)
    return settings.model_copy(update={group: overlaid(type(part), part.model_dump(), changes)})


async def _saved(work: UnitOfWork, settings: Settings, revision: int, by: str) -> tuple[Settings, AuditEvent]:
    await _check(work, settings, await work.settings.get())
    changed = await work.settings.save(settings, revision)
    return settings, AuditEvent(by, "update", "settings", detail=", ".join(changed))


async def _check(work: UnitOfWork, after: Settings, before: Settings) -> None:
    """Raises InvalidRequest naming a field that was changed to what cannot work."""
    if after.time_zone != before.time_zone:
        _require_time_zone(after.time_zone)
    if after.default_route != before.default_route:
        _require_route(after.default_route)
    if after.default_persona != before.default_persona:
        await _require_persona(work, after.default_persona)
    if after.speech.default_preset != before.speech.default_preset:
        await _require_preset(work, after.speech.default_preset)


async def _require_persona(work: UnitOfWork, persona_id: str) -> None:
    if await work.personas.get(persona_id) is None:
        raise InvalidRequest("there is no such persona", param="default_persona")


async def _require_preset(work: UnitOfWork, name: str) -> None:
    known = [preset.name for preset in (*BUILTIN_PRESETS, *await work.presets.all())]
    if name not in known:
        raise InvalidRequest(
            f"there is no speech preset {name!r}; those that exist: {', '.join(known)}", param="speech.default_preset"
        )


def _require_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidRequest("use an IANA time zone, for example Europe/Moscow", param="time_zone") from None


def _require_route(text: str) -> None:
    try:
        route = Route.parse(text)
    except ModelNotFound as error:
        raise InvalidRequest(error.message, param="default_route") from None
    if route is None:
        raise InvalidRequest("name the model that answers, for example local", param="default_route")
