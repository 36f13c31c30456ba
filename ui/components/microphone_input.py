"""The microphone of the browser: recordings for an uploader of the page, or live sound."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from deployments.contracts.errors import LanguageNotSupported, Unavailable
from deployments.contracts.recognition_choice import Need, choose_recognizer
from ui.context import PanelContext

_PROBLEMS = {
    "denied": "microphone.denied",
    "missing": "microphone.missing",
    "insecure": "microphone.insecure",
    "unplugged": "microphone.unplugged",
    "lost": "microphone.lost",
}


class MicrophoneInput(Element, component="../assets/microphone.js"):
    """Emits "started" when there is sound, and "stopped" when a recording has ended. ``filtered``: without echo and
    noise, at one loudness. ``timed`` shows the seconds of a recording; it ends by itself after ``max_seconds``."""

    def __init__(
        self, panel: PanelContext, *, max_seconds: int = 120, bit_rate: int = 32_000, filtered: bool, timed: bool
    ) -> None:
        super().__init__()
        self._panel = panel
        self._props["most"], self._props["bit-rate"] = max_seconds, bit_rate
        self._props["filtered"], self._props["timed"] = filtered, timed
        self._props["worklet"] = f"{panel.root_path}/assets/live_sound.js"

    def on_problem(self, explain: Callable[[str], object]) -> None:
        """Calls ``explain`` with a sentence that says why there is no sound, and what to do."""

        def problem(event: GenericEventArguments) -> None:
            name = str(_first(event))
            explain(self._panel.t(_PROBLEMS.get(name, "microphone.unsupported")))

        self.on("problem", problem)

    def on_sound(self, hear: Callable[[bytes], object]) -> None:
        """Calls ``hear`` with blocks of 100 ms of live sound: PCM16, mono, 16 kHz."""
        self.on("sound", lambda event: hear(base64.b64decode(str(_first(event)))))

    def record(self, uploader_id: int) -> None:
        """Records until ``stop``, then adds the recording to the uploader."""
        self.run_method("record", uploader_id)

    def stop(self) -> None:
        self.run_method("stop")

    def talk(self) -> None:
        """Sends live sound until ``cancel``."""
        self.run_method("talk")

    def cancel(self) -> None:
        """Releases the microphone. A recording is thrown away."""
        self.run_method("cancel")


@dataclass(frozen=True, slots=True)
class Ear:
    """What hears: in ``language``, None for any; ``gives_words`` while somebody speaks."""

    language: str | None
    gives_words: bool


async def find_ear(panel: PanelContext, need: Need) -> Ear:
    """The engine that hears the language of the panel, else one that hears another. Raises Unavailable when none is
    ready."""
    engines = [each for each in await panel.services.assistant.status() if each.kind == "recognition"]
    language: str | None = panel.t.language
    try:
        choice = choose_recognizer(engines, need, language)
    except LanguageNotSupported:
        language = None
        choice = choose_recognizer(engines, need)
    if not choice.ready:
        raise Unavailable(choice.reason)
    return Ear(language, engines[choice.index].live)


def _first(event: GenericEventArguments) -> object:
    return event.args[0] if isinstance(event.args, list) else event.args
