"""Text fields that keep what is typed right after the server has set their value."""

from typing import Any

from nicegui import ui


class TextInput(ui.input):
    """A line of text.

    NiceGUI 3.18 sends a value that the server sets in one message, and the order to show it in a later one. What is
    typed between the two would be replaced by the value, so both go in one message here.
    """

    def _handle_value_change(self, value: Any) -> None:
        super(ui.input, self)._handle_value_change(value)
        if self._send_update_on_value_change:
            self._update_method = "updateValue"

    def _to_dict(self) -> dict[str, Any]:
        message: dict[str, Any] = super()._to_dict()
        self._update_method = None  # a later message about something else must not set the value again
        return message


class TextArea(TextInput, ui.textarea):
    """Several lines of text."""
