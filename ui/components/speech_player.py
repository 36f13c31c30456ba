"""Sound in the browser: blocks of PCM16 are scheduled on the page's audio clock as they come."""

import base64
from collections.abc import Callable

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from deployments.contracts.audio import Encoding, SpeechChunk
from deployments.contracts.errors import UnsupportedAudio


class SpeechPlayer(Element, component="../assets/speech_player.js"):
    """Invisible. ``on_silence(turn_id)`` is called when a finished turn has been heard to its end."""

    def __init__(self, on_played: Callable[[str], None], on_blocked: Callable[[], None]) -> None:
        super().__init__()
        self.on("silence", lambda event: on_played(_turn_of(event)))
        self.on("blocked", lambda: on_blocked())

    def enqueue(self, turn_id: str, chunk: SpeechChunk) -> None:
        """Plays ``chunk`` after everything that was enqueued before. Raises UnsupportedAudio unless it is PCM16."""
        if chunk.format.encoding is not Encoding.PCM16:
            raise UnsupportedAudio(f"the browser is sent pcm16, not {chunk.format.encoding}")
        if chunk.audio:
            pcm = base64.b64encode(chunk.audio).decode("ascii")
            self.run_method("enqueue", turn_id, pcm, chunk.format.rate, chunk.format.channels)

    def finish(self, turn_id: str) -> None:
        """No more blocks will come for this turn."""
        self.run_method("finish", turn_id)

    def stop(self, turn_id: str) -> None:
        """Stops at once and drops blocks of this turn that are still on their way."""
        self.run_method("stop", turn_id)


def _turn_of(event: GenericEventArguments) -> str:
    args = event.args
    return str(args[0] if isinstance(args, list) else args)
