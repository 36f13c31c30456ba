"""Options of the engine ``xtts``, and the check that its files are there."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from deployments.engines.options import EngineOptions, require_path


class XttsOptions(EngineOptions):
    model: Path = Field(description="Folder of XTTS v2: config.json, vocab.json, model.pth or model.safetensors")
    voices: Path | None = Field(
        default=None, description="Folder of cloned voices; default: `voices` beside the folder of the model"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: the card if there is one")
    threads: int = Field(default=0, ge=0, le=256, description="CPU threads of PyTorch; 0: its own choice")
    first_chunk_tokens: int = Field(
        default=11, ge=4, le=100, description="Tokens (46 ms each) of the first piece of sound; later ones grow"
    )
    chunk_tokens: int = Field(default=20, ge=4, le=200, description="Tokens of the longest piece of sound")
    queue_timeout_s: float = Field(
        default=5, gt=0, le=600, description="Longest wait of a sentence for its turn; then the next engine speaks it"
    )

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
        return safe if safe.exists() else self.model / "model.pth"


def check_files(options: XttsOptions) -> None:
    """Raises ModelMissing."""
    for path in (options.model, options.model / "config.json", options.model / "vocab.json", options.weights):
        require_path(path, "the voice model XTTS", options.model_id)
