"""Chat windows on websites, as people declare them."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator

from deployments.administration.office.drafts import (
    Draft,
    RouteName,
    apply_changes,
    changed_fields,
    require_capacity,
    require_version,
)
from deployments.administration.office.host_addresses import parse_host_name, parse_server_url
from deployments.administration.office.slugs import free_slug
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.snapshots.loader import SnapshotField
from deployments.administration.speech.presets import require_preset
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.frozen_model import Language
from deployments.contracts.instances import WidgetSpec
from deployments.contracts.sampling import Sampling
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.unit_of_work import UnitOfWork


class WidgetDraft(Draft):
    """What a person declares. ``allowed_domains`` are host names without scheme and port; none means nowhere."""

    name: str = Field(min_length=1, max_length=100)
    description: str = Field(default="", max_length=2_000)
    enabled: bool = True
    title: str = Field(default="AI-секретарь", max_length=100)
    greeting: str = Field(default="Здравствуйте! Чем могу помочь?", max_length=1_000)
    placeholder: str = Field(default="Напишите сообщение…", max_length=200)
    primary_color: str = Field(default="#6366f1", pattern=r"^#[0-9a-fA-F]{6}$")
    position: Literal["left", "right"] = "right"
    allowed_domains: tuple[Annotated[str, Field(max_length=300)], ...] = Field(default=(), max_length=200)
    tunnel_url: str = Field(default="", max_length=500)
    language: Language = "ru"
    route: RouteName = ""
    persona_id: str = Field(default="", max_length=50)
    system_prompt: str = Field(default="", max_length=20_000)
    llm_params: Sampling = Sampling()
    voice_id: str = Field(default="", max_length=100)
    tts_preset: str = Field(default="", max_length=100)

    @field_validator("primary_color")
    @classmethod
    def _fold(cls, colour: str) -> str:
        return colour.lower()

    @field_validator("allowed_domains")
    @classmethod
    def _are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(parse_host_name(host) for host in hosts))

    @field_validator("tunnel_url")
    @classmethod
    def _is_a_server(cls, url: str) -> str:
        return parse_server_url(url) if url.strip() else ""


class WidgetAdministration:
    """Declares widgets; every change is published."""

    def __init__(self, database: Database, writer: SnapshotWriter) -> None:
        self._database = database
        self._desk = writer

    async def list(self) -> tuple[WidgetSpec, ...]:
        """Every widget by id."""
        async with self._database.unit_of_work() as work:
            return await work.widgets.all()

    async def get(self, widget_id: str) -> WidgetSpec:
        """Raises NotFound."""
        async with self._database.unit_of_work() as work:
            return await _existing(work, widget_id)

    async def create(self, draft: WidgetDraft, by: str) -> WidgetSpec:
        """Raises Conflict when the name is taken, InvalidRequest for a persona or preset that does not exist."""

        async def edit(work: UnitOfWork, _: int) -> tuple[WidgetSpec, AuditEvent]:
            known = await work.widgets.all()
            require_capacity(known, "widgets")
            widget_id = free_slug(draft.name, {each.id for each in known}, "widget")
            spec = await _saved(work, widget_id, draft, 1)
            return spec, AuditEvent(by, "create", "widget", widget_id)

        return await self._desk.change(SnapshotField.WIDGETS, edit)

    async def change(
        self, widget_id: str, changes: Mapping[str, object], by: str, expected_version: int | None = None
    ) -> WidgetSpec:
        """Changes the fields that are given, in the names of ``WidgetDraft``; ``expected_version`` None means whatever
        the version is. Raises NotFound, Conflict, InvalidRequest."""

        async def edit(work: UnitOfWork, _: int) -> tuple[WidgetSpec, AuditEvent]:
            before = await _existing(work, widget_id)
            require_version(before.version, expected_version, "widget")
            return await _changed(work, before, changes, by)

        return await self._desk.change(SnapshotField.WIDGETS, edit)

    async def update_or_create(
        self, widget_id: str, changes: Mapping[str, object], by: str, expected_version: int | None = None
    ) -> WidgetSpec:
        """``change``, or ``create`` under this very id when there is no such widget: then Conflict when a version is
        expected."""

        async def edit(work: UnitOfWork, _: int) -> tuple[WidgetSpec, AuditEvent]:
            before = await work.widgets.get(widget_id)
            require_version(before.version if before else 0, expected_version, "widget")
            if before is not None:
                return await _changed(work, before, changes, by)
            spec = await _saved(work, widget_id, apply_changes(WidgetDraft, {"name": widget_id}, changes), 1)
            return spec, AuditEvent(by, "create", "widget", widget_id)

        return await self._desk.change(SnapshotField.WIDGETS, edit)

    async def delete(self, widget_id: str, by: str, expected_version: int | None = None) -> None:
        """Raises NotFound, Conflict."""

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            widget = await _existing(work, widget_id)
            require_version(widget.version, expected_version, "widget")
            await work.widgets.remove(widget_id)
            return None, AuditEvent(by, "delete", "widget", widget_id)

        await self._desk.change(SnapshotField.WIDGETS, edit)


async def _changed(
    work: UnitOfWork, before: WidgetSpec, changes: Mapping[str, object], by: str
) -> tuple[WidgetSpec, AuditEvent]:
    draft = apply_changes(WidgetDraft, before.model_dump(include=set(WidgetDraft.model_fields)), changes)
    spec = await _saved(work, before.id, draft, before.version + 1)
    return spec, AuditEvent(by, "update", "widget", before.id, detail=changed_fields(before, spec))


async def _saved(work: UnitOfWork, widget_id: str, draft: WidgetDraft, version: int) -> WidgetSpec:
    if any(each.name == draft.name and each.id != widget_id for each in await work.widgets.all()):
        raise Conflict(f"there is a widget called {draft.name!r} already", param="name")
    if draft.persona_id and await work.personas.get(draft.persona_id) is None:
        raise InvalidRequest(f"there is no persona {draft.persona_id!r}", param="persona_id")
    await require_preset(work, draft.tts_preset, "tts_preset")
    spec = WidgetSpec(id=widget_id, version=version, **draft.model_dump())
    await work.widgets.save(spec)
    return spec


async def _existing(work: UnitOfWork, widget_id: str) -> WidgetSpec:
    widget = await work.widgets.get(widget_id)
    if widget is None:
        raise NotFound(f"there is no widget {widget_id!r}")
    return widget
