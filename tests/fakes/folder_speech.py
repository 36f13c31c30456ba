"""A speech engine whose voices are the folders of cloned voices. It speaks tones."""

from itertools import count
from pathlib import Path

from deployments.contracts.speech import Voice
from deployments.engines.speech.cloned_voices import VoiceFolder
from deployments.engines.speech.tone import ToneEngine, ToneOptions


class FolderToneEngine(ToneEngine):
    """Looks at the folder whenever it is asked. ``tone-ru`` and ``tone-en`` are not cloned."""

    def __init__(self, folder: Path) -> None:
        super().__init__(ToneOptions())
        clock = count(0.0, 10.0)
        self._folder = VoiceFolder(folder, ("ru", "en"), lambda: next(clock))

    def voices(self) -> tuple[Voice, ...]:
        cloned = self._folder.voices().values()
        own = (
            Voice(each.id, each.name, "tone", each.languages, 22_050, model_id=each.digest, cloned=True)
            for each in cloned
        )
        return (*super().voices(), *own)
