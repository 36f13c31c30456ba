"""The speech of the answer that is being given, and the state of the input while it is."""

import logging
import uuid
from collections.abc import Callable

from deployments.administration.chat.dialogue import SpeechCallback
from deployments.contracts.errors import Conflict, SecretaryError
from deployments.contracts.events import SpeechReady, TurnFailed
from ui.components.composer import ComposerState
from ui.components.speech_player import SpeechPlayer
from ui.context import PanelContext

log = logging.getLogger(__name__)


class TurnSpeech:
    """Plays the answer on ``player`` while it arrives. ``on_state`` is called with the state of the input."""

    def __init__(
        self,
        panel: PanelContext,
        player: SpeechPlayer,
        wanted: Callable[[], bool],
        on_state: Callable[[ComposerState], None],
    ) -> None:
        self._panel = panel
        self._player = player
        self._wanted = wanted
        self._on_state = on_state
        self._speech_id = ""
        """Id of the answer whose speech may be played."""
        self.speaking = False
        """Whether the sound of the answer plays or waits."""
        self._answering = False

    def begin(self) -> SpeechCallback | None:
        """What receives the speech of the next answer; None when answers are not spoken. Stops the one before."""
        self.stop()
        self._speech_id = speech_id = uuid.uuid4().hex
        return (lambda speech: self._play(speech_id, speech)) if self._wanted() else None

    def show_state(self, answering: bool) -> None:
        self._answering = answering
        self._draw()

    def text_is_complete(self) -> None:
        if self.speaking:
            self._player.finish(self._speech_id)

    def stop(self) -> None:
        if self.speaking:
            self._player.stop(self._speech_id)
        self.speaking = False
        self._speech_id = ""
        self._draw()

    def on_played(self, speech_id: str) -> None:
        if speech_id == self._speech_id:
            self.speaking = False
            self._draw()

    def _play(self, speech_id: str, speech: SpeechReady) -> None:
        if self._player.is_deleted or speech_id != self._speech_id:
            return
        try:
            self._player.enqueue(speech_id, speech.chunk)
            if not self.speaking:
                self.speaking = True
                self._draw()
        except SecretaryError as error:
            self.stop()
            self._panel.toast_error(error)

    def _draw(self) -> None:
        if self._player.is_deleted:
            return
        speaking = ComposerState.SPEAKING if self.speaking else ComposerState.IDLE
        self._on_state(ComposerState.ANSWERING if self._answering else speaking)


def turn_failure(error: Exception) -> TurnFailed:
    """The failure to show when a turn could not start. A Conflict means that a turn is running in another window. An
    exception that is no SecretaryError is logged, and its text is not shown."""
    if not isinstance(error, SecretaryError):
        log.error("a chat turn could not start", exc_info=error)
        return TurnFailed("internal_error", "", retryable=False, status=500)
    code = "answer_under_way" if isinstance(error, Conflict) else error.code
    return TurnFailed(code, error.message, error.retryable, error.status)
