"""HTTP and websocket bodies of voices, speech presets and synthesis."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from deployments.administration.office.drafts import Draft
from deployments.administration.speech.presets import PresetDraft
from deployments.api.admin.request_bodies import VersionedAdminRequest
from deployments.contracts.voice_settings import Preset, PresetParams

_Language = Annotated[str | None, Field(pattern=r"^[a-z]{2,3}$")]
_PACED_FRAME_MS = 20
_Voice = Annotated[str | None, Field(max_length=100)]


class PresetReply(PresetParams):
    """The parameters are repeated at the top level. ``effective`` lists the parameters that every engine uses."""

    name: str
    display_name: str
    params: PresetParams
    builtin: bool
    version: int
    effective: list[str] = Field(default=["speed"])

    @classmethod
    def of(cls, preset: Preset) -> "PresetReply":
        shown = preset.model_dump(exclude={"params"})
        named = {**shown, "display_name": preset.display_name or preset.name}
        return cls(**named, params=preset.params, **preset.params.model_dump())


class PresetList(BaseModel):
    """``current`` is the default preset."""

    presets: dict[str, PresetReply]
    current: str


class DefaultPresetBody(VersionedAdminRequest):
    preset: str = Field(min_length=1, max_length=100)


class DefaultPresetReply(BaseModel):
    status: Literal["ok"] = "ok"
    preset: str
    display_name: str
    settings: PresetParams


class NewPreset(PresetDraft):
    name: str = Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")

    def draft(self) -> PresetDraft:
        return PresetDraft(display_name=self.display_name, params=self.params)


class PresetBody(PresetDraft):
    version: int | None = Field(default=None, ge=0, description="The version that was read; If-Match takes precedence")

    def draft(self) -> PresetDraft:
        return PresetDraft(display_name=self.display_name, params=self.params)


class SpeedBody(VersionedAdminRequest):
    speed: float


class SpeedReply(BaseModel):
    """``speed`` is the general speaking rate of the voices of every engine."""

    status: Literal["ok"] = "ok"
    speed: float
    voices: list[str]


class PhraseCacheReply(BaseModel):
    """Each door caches phrases in its own memory up to a limit, and clears them when the epoch changes."""

    status: Literal["ok"] = "ok"
    epoch: int
    max_mb_per_door: int


class SynthesisBody(Draft):
    """``preset`` None means that of the voice or the default one; ``parameters`` take its place. ``voice`` None means
    the default voice of the language, which is detected from the text when ``language`` is None."""

    text: str = Field(max_length=200_000)
    preset: str | None = Field(default=None, max_length=100)
    parameters: PresetParams | None = None
    voice: _Voice = None
    language: _Language = None


class SynthesisStreamBody(SynthesisBody):
    """``target_sample_rate`` null means 24000 Hz. ``stream_chunk_size`` is accepted from older clients and ignored: the
    engine decides the size of blocks, unless ``frame_ms`` sets one. ``paced`` sends each frame when it is due, for a
    receiver that plays at once; its frames have 20 ms unless ``frame_ms`` says otherwise."""

    target_sample_rate: int | None = Field(default=8_000, ge=8_000, le=48_000)
    stream_chunk_size: int = Field(default=20, ge=1, le=1_000)
    output_format: Literal["pcm16", "float32", "alaw", "mulaw"] = "pcm16"
    frame_ms: int | None = Field(default=None, ge=10, le=100)
    paced: bool = False

    @property
    def frame_length_ms(self) -> int | None:
        return self.frame_ms or (_PACED_FRAME_MS if self.paced else None)


class SocketText(SynthesisStreamBody):
    """A text on the websocket. A text with the ``id`` of one that waits or is being spoken replaces it."""

    id: str | None = Field(default=None, pattern=r"^[\x21-\x7e]{1,64}$")


class SocketCancel(BaseModel):
    """``id`` None cancels every text."""

    cancel: Literal[True]
    id: str | None = Field(default=None, pattern=r"^[\x21-\x7e]{1,64}$")


class VoiceDetailReply(BaseModel):
    """``name`` is the configured name, ``engine_name`` that of the engine. ``available``: enabled and installed, and
    consented to if it is ``cloned``. ``pronunciations``: the number of entries of its dictionary."""

    id: str
    name: str
    engine_name: str
    description: str
    engine: str
    languages: list[str]
    rate: int
    neural: bool
    enabled: bool
    available: bool
    default_for: list[str]
    preset: str
    cloned: bool
    pronunciations: int
    version: int


class CurrentVoiceReply(BaseModel):
    engine: str
    voice: str


class VoiceList(BaseModel):
    voices: list[VoiceDetailReply]
    current: CurrentVoiceReply | None


class DefaultVoiceBody(VersionedAdminRequest):
    """``language`` null: the first one of the voice."""

    voice: str = Field(min_length=1, max_length=100)
    language: _Language = None


class DefaultVoiceReply(BaseModel):
    status: Literal["ok"] = "ok"
    engine: str
    voice: str


class VoiceTestBody(Draft):
    """``voice`` None means the current voice, ``text`` None a fixed phrase in its language."""

    voice: _Voice = None
    text: str | None = Field(default=None, max_length=200_000)
