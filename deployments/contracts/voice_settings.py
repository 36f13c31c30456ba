"""Settings of voices, and speech presets."""

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel


class PresetParams(FrozenModel):
    """Parameters of speech synthesis. ``speed`` applies to all engines, the others to engines that sample."""

    temperature: float = Field(default=0.7, gt=0, le=2)
    repetition_penalty: float = Field(default=5.0, ge=1, le=20)
    top_k: int = Field(default=50, ge=1, le=1000)
    top_p: float = Field(default=0.85, gt=0, le=1)
    speed: float = Field(default=1.0, ge=0.25, le=4, description="Factor of the speaking rate")
    gpt_cond_len: int = Field(default=12, ge=1, le=60, description="Seconds of the sample that condition the voice")
    gpt_cond_chunk_len: int = Field(default=4, ge=1, le=60, description="Seconds of one chunk of that sample")


class Preset(FrozenModel):
    """Named synthesis parameters. Builtin presets come with the program."""

    name: str
    display_name: str = ""
    params: PresetParams = PresetParams()
    builtin: bool = False
    version: int = 1


class Pronunciation(FrozenModel):
    """How a voice says ``word``, which is a whole word or several in a row. ``language`` "": in every language."""

    word: str = Field(min_length=1, max_length=100)
    spoken: str = Field(min_length=1, max_length=100)
    language: str = Field(default="", pattern=r"^([a-z]{2,3})?$")
    match_case: bool = Field(default=False, description="Whether capital letters of the word matter")


class VoiceSettings(FrozenModel):
    """The stored settings of one voice. Without them, a voice is as its engine describes it."""

    id: str
    name: str = ""
    description: str = ""
    enabled: bool = True
    preset: str = ""
    pronunciations: tuple[Pronunciation, ...] = ()
    version: int = 1
