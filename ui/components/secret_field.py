"""A field for a secret that is stored already: the browser gets its mask only."""

from ui.components.text_fields import TextInput
from ui.context import PanelContext


class SecretField:
    """``masked`` is the mask of the stored secret, "" when there is none. An empty field keeps the stored secret."""

    def __init__(self, panel: PanelContext, label: str, masked: str = "") -> None:
        hint = panel.t("common.secret_set", masked=masked) if masked else ""
        self._input = TextInput(label, password=True, password_toggle_button=True)
        self._input.props(f'outlined dense autocomplete=new-password hint="{hint}"').classes("full-width")

    @property
    def entered(self) -> str | None:
        """The new secret; None when the stored one is kept."""
        return (self._input.value or "").strip() or None
