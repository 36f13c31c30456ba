"""Plays speech in the browser: blocks of PCM16 are scheduled with Web Audio as they arrive."""

import base64
from collections.abc import Callable

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from deployments.contracts.audio import Encoding, SpeechChunk
from deployments.contracts.errors import UnsupportedAudio


class SpeechPlayer(Element, component="../assets/speech_player.js"):
    """An invisible element. Calls ``on_played(turn_id)`` when all blocks of a finished turn were played, and
    ``on_blocked()`` when the browser does not allow audio before the user interacts with the page."""

    def __init__(self, on_played: Callable[[str], None], on_blocked: Callable[[], None]) -> None:
        super().__init__()
        self.on("played", lambda event: on_played(_turn_of(event)))
        self.on("blocked", lambda: on_blocked())

    def enqueue(self, turn_id: str, chunk: SpeechChunk) -> None:
        """Plays ``chunk`` after all earlier ones. Raises UnsupportedAudio unless it is PCM16."""
        if chunk.format.encoding is not Encoding.PCM16:
            raise UnsupportedAudio(f"the browser plays pcm16, not {chunk.format.encoding}")
        if chunk.audio:
            pcm = base64.b64encode(chunk.audio).decode("ascii")
            self.run_method("enqueue", turn_id, pcm, chunk.format.rate, chunk.format.channels)

    def finish(self, turn_id: str) -> None:
        """Marks the turn as complete: no more blocks follow."""
        self.run_method("finish", turn_id)

    def stop(self, turn_id: str) -> None:
        """Stops playback and drops blocks of this turn that arrive later."""
        self.run_method("stop", turn_id)


def _turn_of(event: GenericEventArguments) -> str:
    args = event.args
    return str(args[0] if isinstance(args, list) else args)
