"""Plays a recording beside its waveform, drawn by wavesurfer.js in the browser."""

import base64
from collections.abc import Awaitable, Callable

from nicegui.element import Element

from deployments.contracts.errors import SecretaryError
from ui.context import PanelContext

_LIBRARY = "/assets/vendor/wavesurfer-8.0.1.min.js"

ReadSound = Callable[[], Awaitable[tuple[bytes, str]]]
"""Returns the file and its media type. Raises NotFound."""


class RecordingPlayer(Element, component="../assets/recording_player.js"):
    """A button and a waveform. The sound goes to the browser when somebody listens. ``seconds``: 0 when unknown."""

    def __init__(self, panel: PanelContext, seconds: float, read: ReadSound) -> None:
        super().__init__()
        t = panel.t
        self._panel = panel
        self._read = read
        self._props["library"] = f"{panel.root_path}{_LIBRARY}"
        self._props["seconds"] = seconds
        self._props["listen"] = t("turns.listen")
        self._props["halt"] = t("turns.halt")
        self._props["position"] = t("turns.position")
        self.on("wanted", self._send)
        self.on("unplayable", lambda: panel.toast(t("turns.unplayable")))

    async def _send(self) -> None:
        try:
            sound, media_type = await self._read()
        except SecretaryError as error:
            self.run_method("fail")
            self._panel.toast_error(error)
            return
        self.run_method("load", base64.b64encode(sound).decode("ascii"), media_type)
