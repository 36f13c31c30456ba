"""Live settings: read, validated, changed and published with the snapshot."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from deployments.administration.audit.value_changes import model_changes
from deployments.administration.office.drafts import apply_changes
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.snapshots.loader import SnapshotField
from deployments.administration.speech.builtin_presets import BUILTIN_PRESETS
from deployments.contracts.chat import Route, RouteKind
from deployments.contracts.errors import Conflict, Forbidden, InvalidRequest, ModelNotFound
from deployments.contracts.identity import Role
from deployments.contracts.local_models import local_routes
from deployments.contracts.settings import FaqSettings, Settings
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.unit_of_work import UnitOfWork

OPERATOR_FIELDS = frozenset(
    {
        *("default_language", "time_zone", "default_persona", "default_route"),
        *(f"faq.{name}" for name in FaqSettings.model_fields),
        *("llm.temperature", "llm.top_p", "llm.max_tokens", "llm.repetition_penalty", "llm.answer_in_any_language"),
        *("speech.default_voices", "speech.speed", "speech.default_preset"),
        *("speech.fillers", "speech.rescue_voices", "speech.rescue_lead_s", "speech.rescue_start_s"),
    }
)
"""The settings that an operator may change: behaviour. All others, also new ones, are for administrators: limits,
memory, timeouts, outbound access and retention."""


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """Stored settings and the revision of the snapshot that publishes them."""

    settings: Settings
    revision: int


class SettingsAdministration:
    """Reads and changes the settings. A change takes effect when it is published.

    A change is made with a ``role``, by default that of an operator. It raises Forbidden if the role may not change one
    of the groups, and InvalidRequest with the name of an invalid field. It raises Conflict if the settings changed
    after ``expected_revision``, the snapshot revision at which they were read, or if that revision does not exist yet,
    as after a restored backup. None skips this check."""

    def __init__(self, database: Database, snapshot_writer: SnapshotWriter, local_models: Sequence[str]) -> None:
        self._database = database
        self._writer = snapshot_writer
        self._local_models = tuple(local_models)

    async def get(self) -> Settings:
        """Returns the current settings."""
        async with self._database.unit_of_work() as work:
            return await work.settings.get()

    async def update(
        self, changes: Settings, expected_revision: int, by: str, *, role: Role = Role.OPERATOR
    ) -> Settings:
        """Replaces the settings."""
        stored = await self.edit(lambda _: changes, by, expected_revision, role=role)
        return stored.settings

    async def update_fields(
        self,
        changes: Mapping[str, object],
        by: str,
        group: str | None = None,
        expected_revision: int | None = None,
        *,
        role: Role = Role.OPERATOR,
    ) -> StoredSettings:
        """Changes single fields of the current settings, or of one ``group`` of them (llm, speech ...)."""
        said = [(group, name) if group else (name,) for name in changes]
        return await self.edit(
            lambda now: _with_fields(now, changes, group), by, expected_revision, role=role, given_paths=said
        )

    async def edit(
        self,
        edit: Callable[[Settings], Settings],
        by: str,
        expected_revision: int | None = None,
        *,
        role: Role = Role.OPERATOR,
        given_paths: Collection[tuple[str, ...]] = (),
    ) -> StoredSettings:
        """Stores the result of ``edit`` on the settings read inside the transaction, so that no parallel change is
        lost. ``given_paths`` are the paths of fields that the caller sets. They replace a stored value of another
        version that this version cannot read, even if they equal the default in use."""

        async def change(work: UnitOfWork, revision: int) -> tuple[StoredSettings, AuditEvent]:
            if expected_revision is not None:
                _require_unchanged(expected_revision, await work.settings.last_changed_revision(), revision)
            before = await work.settings.get()
            after = edit(before)
            _require_role(role, after, before)
            await _require_valid(work, after, before, self._local_models)
            await work.settings.save(after, revision, given_paths)
            detail = model_changes(before, after)
            return StoredSettings(after, revision), AuditEvent(by, "update", "settings", detail=detail)

        return await self._writer.change(SnapshotField.SETTINGS, change)


def _with_fields(settings: Settings, changes: Mapping[str, object], group: str | None) -> Settings:
    if group is None:
        return apply_changes(Settings, settings.model_dump(), changes)
    part = getattr(settings, group)
    return settings.model_copy(update={group: apply_changes(type(part), part.model_dump(), changes)})


def _require_unchanged(expected_revision: int, changed_at: int, next_revision: int) -> None:
    if changed_at > expected_revision:
        raise Conflict("the settings were changed in the meantime; read them again")
    if expected_revision >= next_revision:
        raise Conflict(
            f"revision {expected_revision} does not exist; a backup may have been restored. Read the settings again"
        )


def _require_role(role: Role, after: Settings, before: Settings) -> None:
    if role.covers(Role.ADMIN):
        return
    changed = _changed_paths(before, after)
    denied = [path for path in changed if path not in OPERATOR_FIELDS]
    if denied:
        raise Forbidden(f"Only an administrator changes {', '.join(denied)}.", param=denied[0])


def _changed_paths(before: BaseModel, after: BaseModel, at: str = "") -> Iterator[str]:
    for name in type(after).model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if isinstance(old, BaseModel) and isinstance(new, BaseModel):
            yield from _changed_paths(old, new, f"{at}{name}.")
        elif old != new:
            yield f"{at}{name}"


async def _require_valid(work: UnitOfWork, after: Settings, before: Settings, local_models: Sequence[str]) -> None:
    """Raises InvalidRequest with the name of a field whose new value is invalid."""
    if after.time_zone != before.time_zone:
        _require_time_zone(after.time_zone)
    if after.default_route != before.default_route:
        await _require_route_exists(work, after.default_route, local_models)
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


async def _require_route_exists(work: UnitOfWork, text: str, local_models: Sequence[str]) -> None:
    try:
        route = Route.parse(text)
    except ModelNotFound as error:
        raise InvalidRequest(error.message, param="default_route") from None
    if route is None:
        raise InvalidRequest("name a route, for example local", param="default_route")
    if route.kind is RouteKind.LOCAL and route.name and route.name not in local_models:
        known = ", ".join(local_routes(local_models)) or "none"
        raise InvalidRequest(f"there is no local model {route.name!r}; local routes: {known}", param="default_route")
    if route.kind is RouteKind.CLOUD:
        await _require_provider(work, route.name)
    if route.kind is RouteKind.CHAIN:
        await _require_chain(work, route.name)


async def _require_chain(work: UnitOfWork, name: str) -> None:
    enabled = [each.name for each in await work.chains.all() if each.enabled]
    if name not in enabled:
        known = ", ".join(f"chain:{each}" for each in enabled) or "none"
        raise InvalidRequest(f"there is no enabled chain {name!r}; chains: {known}", param="default_route")


async def _require_provider(work: UnitOfWork, provider_id: str) -> None:
    provider = await work.providers.get(provider_id)
    if provider is None:
        known = [f"cloud:{each.id}" for each in await work.providers.all() if each.enabled]
        raise InvalidRequest(
            f"there is no provider {provider_id!r}; routes that exist: {', '.join(('local', *known))}",
            param="default_route",
        )
    if not provider.enabled:
        raise InvalidRequest(f"the provider {provider_id!r} is disabled", param="default_route")
