"""Cloned voices whose engines are not loaded. Their folders are there, and another engine stands in for them."""

from collections.abc import Iterable
from pathlib import Path

from deployments.contracts.speech import Voice
from deployments.engines.registry import EngineSpec
from deployments.engines.speech.cloned_voices import CLONING_ENGINES, VOICE_ID, VoiceFolder
from deployments.engines.speech.xtts_text import CHARACTER_LIMITS
from deployments.models.references import SCHEME

_RATE = 24_000


class AbsentVoices:
    """The folders of the engines in ``specs`` that clone voices. ``models`` is the folder of installed models."""

    def __init__(self, specs: Iterable[EngineSpec], models: Path) -> None:
        self._folders = {
            path: (spec.engine, VoiceFolder(path, tuple(CHARACTER_LIMITS)))
            for spec in reversed(tuple(specs))
            if spec.engine in CLONING_ENGINES and (path := _voice_folder(spec, models))
        }

    def has(self, voice_id: str) -> bool:
        return bool(VOICE_ID.fullmatch(voice_id)) and any((path / voice_id).is_dir() for path in self._folders)

    def list(self) -> tuple[Voice, ...]:
        """Reads the recordings. ``engine`` is the first one of the graph that clones voices of the folder."""
        return tuple(
            Voice(found.id, found.name, engine, found.languages, _RATE, cloned=True)
            for engine, folder in self._folders.values()
            for found in folder.voices().values()
        )


def _voice_folder(spec: EngineSpec, models: Path) -> Path | None:
    """As the options of these engines have it: ``voices``, else ``voices`` beside the folder of the model."""
    voices, model = spec.options.get("voices"), spec.options.get("model")
    if isinstance(voices, str):
        return Path(voices)
    if not isinstance(model, str):
        return None
    return models / "voices" if model.startswith(SCHEME) else Path(model).parent / "voices"
