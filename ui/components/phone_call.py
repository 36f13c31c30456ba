"""A test call over the phone protocol, from the browser to the phone door of the same address."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from nicegui.element import Element
from nicegui.events import GenericEventArguments

CallStage = Literal["ready", "speaking", "finished", "error", "closed"]


@dataclass(frozen=True, slots=True)
class CallState:
    """``opened_ms`` until the connection, ``first_ms`` from the request to the first frame, both in the browser; 0
    before. ``event`` is the last message of the door, or ``code`` and ``reason`` of a closed socket."""

    stage: CallStage
    url: str
    opened_ms: float
    first_ms: float
    frames: int
    event: dict[str, object]


class PhoneCall(Element, component="../assets/phone_call.js"):
    """An invisible element. ``path`` is that of the websocket; ``on_state`` is called as a call goes on."""

    def __init__(self, path: str, on_state: Callable[[CallState], object]) -> None:
        super().__init__()
        self._props["path"] = path
        self.on("call", lambda event: on_state(_state_of(event)))

    def call(self, key: str, text: str, voice: str | None) -> None:
        """Speaks ``text``, after a call in progress was ended."""
        self.run_method("call", key, {"text": text} | ({"voice": voice} if voice else {}))

    def hang_up(self) -> None:
        self.run_method("hangUp")


def _state_of(event: GenericEventArguments) -> CallState:
    args = event.args[0] if isinstance(event.args, list) else event.args
    stage: CallStage = args["state"]
    return CallState(
        stage, str(args["url"]), float(args["opened_ms"]), float(args["first_ms"]), int(args["frames"]), args["event"]
    )
