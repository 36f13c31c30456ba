"""Administration of chat widgets on websites. The gateway serves what the snapshot holds."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from deployments.administration.office.drafts import NamedDraft, RouteName
from deployments.administration.office.host_addresses import parse_host_name, parse_server_url
from deployments.administration.office.spec_administration import NamedSpecAdministration
from deployments.administration.snapshots.loader import SnapshotField
from deployments.administration.speech.presets import require_preset
from deployments.contracts.errors import Conflict, InvalidRequest
from deployments.contracts.frozen_model import Language
from deployments.contracts.instances import WidgetSpec
from deployments.contracts.sampling import Sampling
from storage.repositories.specs import SpecRepository
from storage.unit_of_work import UnitOfWork


class WidgetDraft(NamedDraft):
    """The editable fields of a widget. ``allowed_domains`` are host names without scheme and port; an empty tuple
    allows no site."""

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
    def _lower_case(cls, colour: str) -> str:
        return colour.lower()

    @field_validator("allowed_domains")
    @classmethod
    def _parse_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(parse_host_name(host) for host in hosts))

    @field_validator("tunnel_url")
    @classmethod
    def _check_server_url(cls, url: str) -> str:
        return parse_server_url(url) if url.strip() else ""


class WidgetAdministration(NamedSpecAdministration[WidgetSpec, WidgetDraft]):
    """A draft raises Conflict when the name is taken, InvalidRequest for a persona or preset that does not exist."""

    field = SnapshotField.WIDGETS
    noun = resource = "widget"
    draft_model = WidgetDraft

    def _repository(self, work: UnitOfWork) -> SpecRepository[WidgetSpec]:
        return work.widgets

    async def _build(self, work: UnitOfWork, key: str, draft: WidgetDraft, before: WidgetSpec | None) -> WidgetSpec:
        if any(each.name == draft.name and each.id != key for each in await work.widgets.all()):
            raise Conflict(f"there is a widget called {draft.name!r} already", param="name")
        if draft.persona_id and await work.personas.get(draft.persona_id) is None:
            raise InvalidRequest(f"there is no persona {draft.persona_id!r}", param="persona_id")
        await require_preset(work, draft.tts_preset, "tts_preset")
        return WidgetSpec(id=key, version=before.version + 1 if before else 1, **draft.model_dump())
