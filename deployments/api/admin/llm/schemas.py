"""HTTP bodies of models, personas, providers and route chains."""

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, Field

from deployments.administration.llm.chains import ChainDraft
from deployments.administration.llm.local_models import LocalModelView
from deployments.administration.llm.personas import PersonaDraft
from deployments.administration.llm.provider_test import ProviderTestResult
from deployments.administration.llm.providers import ProviderDraft
from deployments.administration.office.drafts import Draft
from deployments.api.admin.request_bodies import VersionedAdminRequest
from deployments.contracts.persona import Persona
from deployments.contracts.providers import ProviderSpec, RouteChain
from deployments.contracts.proxies import ProxyPolicy
from deployments.contracts.sampling import Sampling
from deployments.contracts.settings import LlmSettings

_Language = Annotated[str | None, Field(pattern=r"^[a-z]{2,3}$")]


class PromptBody(VersionedAdminRequest):
    """``language`` None means the default one."""

    prompt: str = Field(min_length=1, max_length=20_000)
    language: _Language = None


class PromptReply(BaseModel):
    """``model`` is the default route."""

    status: Literal["ok"] = "ok"
    persona: str
    prompt: str
    language: str
    model: str
    prompts: dict[str, str]


class PromptPreviewReply(BaseModel):
    """A prompt as a model gets it now. ``unknown_variables`` stay in braces; such a prompt cannot be saved."""

    prompt: str
    language: str
    unknown_variables: list[str]


class DefaultPersonaBody(VersionedAdminRequest):
    persona: str = Field(min_length=1, max_length=50)


class DefaultPersonaReply(BaseModel):
    status: Literal["ok"] = "ok"
    id: str
    name: str


class PersonaBody(PersonaDraft):
    version: int | None = Field(default=None, ge=0, description="The version that was read; If-Match takes precedence")

    def draft(self) -> PersonaDraft:
        return PersonaDraft(**self.model_dump(exclude={"version", "id"}))


class NewPersona(PersonaDraft):
    """``id`` is derived from the name when it is empty."""

    id: str = Field(default="", pattern=r"^[a-z0-9_-]{0,50}$")

    def draft(self) -> PersonaDraft:
        return PersonaDraft(**self.model_dump(exclude={"id"}))


class PersonaReply(BaseModel):
    id: str
    name: str
    full_name: str
    prompts: dict[str, str]
    voices: dict[str, str]
    fallback_answers: dict[str, str]
    variables: dict[str, dict[str, str]]
    route: str
    llm_params: Sampling
    default: bool
    original: bool = Field(description="A seed persona, whose prompts can be reset")
    version: int


class PersonaList(BaseModel):
    personas: dict[str, PersonaReply]


class SamplingBody(VersionedAdminRequest):
    """Absent fields stay; the ranges are those of the settings."""

    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None


class SamplingValues(BaseModel):
    temperature: float
    max_tokens: int
    top_p: float
    repetition_penalty: float

    @classmethod
    def of(cls, settings: LlmSettings) -> "SamplingValues":
        return cls(**settings.model_dump(include=set(cls.model_fields)))


class SamplingReply(BaseModel):
    status: Literal["ok"] = "ok"
    params: SamplingValues


class BackendBody(VersionedAdminRequest):
    """``stop_unused`` is accepted and ignored: the graph configures which engines run."""

    backend: str = Field(min_length=1, max_length=100)
    stop_unused: bool = False


class CurrentModelBody(VersionedAdminRequest):
    model: str = Field(min_length=1, max_length=200)


class CurrentModelReply(BaseModel):
    status: Literal["ok"] = "ok"
    model: str
    backend: str


class BackendReply(BaseModel):
    """``backend`` is the default route."""

    status: Literal["ok"] = "ok"
    backend: str
    model: str
    ready: bool
    provider_type: str | None = None
    provider_id: str | None = None
    api_url: str | None = None
    message: str = ""


class LoadedChatModel(BaseModel):
    """A local model. Its route is ``local:{name}``, with an adapter ``local:{name}:{adapter}``."""

    name: str
    model: str
    engine: str
    ready: bool
    revision: str
    error: str
    remedy: str
    adapters: list[str]


class ChatModelsReply(BaseModel):
    """``available_models``: route -> model. ``local``: the local chat deployments, with the models that each could
    host."""

    available_models: dict[str, str]
    current_model: str
    loaded_models: list[LoadedChatModel]
    backend: str
    local: tuple[LocalModelView, ...] = ()


class ModelSwitchBody(Draft):
    """``model`` is the id of an installed model; null or "" is the model of the graph."""

    model: str | None = Field(default=None, max_length=100)


class NewProvider(ProviderDraft):
    params: Sampling = Field(default=Sampling(), validation_alias=AliasChoices("params", "config"))
    is_default: bool = False

    def draft(self) -> ProviderDraft:
        return ProviderDraft(**{name: getattr(self, name) for name in ProviderDraft.model_fields})


class ProviderReply(BaseModel):
    """``api_key`` shows only the last four characters, ``proxy_hosts`` are masked."""

    id: str
    name: str
    provider_type: str
    base_url: str
    model_name: str
    languages: tuple[str, ...]
    enabled: bool
    is_default: bool
    params: Sampling
    input_price: float | None
    output_price: float | None
    budget_per_day: float
    description: str
    api_key: str
    has_key: bool
    proxies: int
    proxy_hosts: list[str]
    proxy_policy: ProxyPolicy
    route: str
    version: int

    @classmethod
    def of(cls, spec: ProviderSpec, proxy_hosts: tuple[str, ...]) -> "ProviderReply":
        shown = spec.model_dump(include=set(cls.model_fields) - {"params"})
        return cls(
            **shown,
            params=spec.params,
            api_key=spec.key_hint,
            has_key=bool(spec.sealed_api_key),
            proxies=len(proxy_hosts),
            proxy_hosts=list(proxy_hosts),
            route=f"cloud:{spec.id}",
        )


class ProviderTypeReply(BaseModel):
    name: str
    default_base_url: str
    default_models: list[str]
    free_models: list[str] = Field(description="Suggested models without payment, within the limits of the provider")
    requires_base_url: bool
    requires_key: bool
    parameters: list[str] = Field(description="Parameters of a request that the provider has")
    tools: bool
    images: bool = Field(description="Whether models see images, unless litellm's model table says otherwise")


class ProviderList(BaseModel):
    providers: list[ProviderReply]
    provider_types: dict[str, ProviderTypeReply]


class ProviderSavedReply(BaseModel):
    status: Literal["ok"] = "ok"
    provider: ProviderReply


class ProviderTestReply(ProviderTestResult):
    status: Literal["ok", "error"]


class NewChain(ChainDraft):
    name: str = Field(pattern=r"^[\w-]{1,50}$")

    def draft(self) -> ChainDraft:
        return ChainDraft(**self.model_dump(exclude={"name"}))


class ChainBody(ChainDraft):
    version: int | None = Field(default=None, ge=0, description="The version that was read; If-Match takes precedence")

    def draft(self) -> ChainDraft:
        return ChainDraft(**self.model_dump(exclude={"version"}))


class ChainList(BaseModel):
    routes: list[RouteChain]
    known: list[str] = Field(description="The routes that a chain may contain")


class ProviderDeletedReply(BaseModel):
    status: Literal["ok"] = "ok"
    message: str = ""


def persona_reply(persona: Persona, version: int, *, default: bool, original: bool) -> PersonaReply:
    """``full_name`` repeats ``name`` for older clients."""
    return PersonaReply(
        **persona.model_dump(), full_name=persona.name, default=default, original=original, version=version
    )
