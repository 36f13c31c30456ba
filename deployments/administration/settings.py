"""Live behaviour, as people change it."""

from zoneinfo import ZoneInfo

from deployments.administration.desk import ChangeDesk
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
        _require_time_zone(changes.time_zone)
        _require_route(changes.default_route)

        async def edit(work: UnitOfWork, revision: int) -> tuple[Settings, AuditEvent]:
            if await work.settings.changed_at() > expected_revision:
                raise Conflict("the settings were changed by somebody else meanwhile; read them again")
            if await work.personas.get(changes.default_persona) is None:
                raise InvalidRequest("there is no such persona", param="default_persona")
            changed = await work.settings.save(changes, revision)
            return changes, AuditEvent(by, "update", "settings", detail=", ".join(changed))

        return await self._desk.change(Part.SETTINGS, edit)


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
