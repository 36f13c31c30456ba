"""Options of the engine ``openvoice``, and the check that its files are there."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from deployments.contracts.frozen_model import Language
from deployments.engines.options import EngineOptions, require_path
from deployments.engines.registry import EngineSpec
from deployments.engines.speech.cloned_voices import CLONING_ENGINES


class OpenVoiceOptions(EngineOptions):
    model: Path = Field(
        description="Folder of the tone colour converter: config.json, checkpoint.pth or model.safetensors"
    )
    bases: tuple[EngineSpec, ...] = Field(
        min_length=1, max_length=8, description="Speech engines whose voices are converted; the first of a language is"
    )
    base_voices: dict[Language, str] = Field(
        default_factory=dict, description="Voices of `bases` by language, instead of the first one"
    )
    voices: Path | None = Field(
        default=None, description="Folder of cloned voices; default: `voices` beside the folder of the model"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: the card if it is new enough")
    threads: int = Field(default=0, ge=0, le=256, description="CPU threads of PyTorch; 0: its own choice")
    block_s: float = Field(
        default=6, ge=1, le=20, description="Longest sound that is converted at once, seconds; it is cut at a pause"
    )
    queue_timeout_s: float = Field(
        default=5, gt=0, le=600, description="Longest wait of a sentence for its turn; then the next engine speaks it"
    )

    @field_validator("bases")
    @classmethod
    def _check_bases(cls, bases: tuple[EngineSpec, ...]) -> tuple[EngineSpec, ...]:
        for spec in bases:
            if spec.engine in CLONING_ENGINES:
                raise ValueError(f"{spec.engine} has cloned voices itself; take piper or espeak")
        return bases

    @property
    def voice_folder(self) -> Path:
        return self.voices or self.model.parent / "voices"

    @property
    def model_name(self) -> str:
        return self.model_id or self.model.name

    @property
    def weights(self) -> Path:
        """safetensors if both are there."""
        safe = self.model / "model.safetensors"
        return safe if safe.exists() else self.model / "checkpoint.pth"


def check_files(options: OpenVoiceOptions) -> None:
    """Raises ModelMissing."""
    for path in (options.model, options.model / "config.json", options.weights):
        require_path(path, "the tone colour converter OpenVoice", options.model_id)
