"""Keeps what is typed into a form in the browser, until it is saved or discarded. It survives a reload of the page."""

from collections.abc import Callable, Mapping

from nicegui.element import Element
from nicegui.events import GenericEventArguments

DraftCallback = Callable[[dict[str, str]], None]


class BrowserDraft(Element, component="../assets/browser_draft.js"):
    """An invisible element inside a form. It keeps the fields that ``keep_in_draft`` names, for the tab of the browser
    and its user. ``on_found`` gets the values by name when there is a draft."""

    def __init__(self, username: str, on_found: DraftCallback) -> None:
        super().__init__()
        self._username = username
        self.on("found", lambda event: on_found(_values(event)))

    def watch(self, key: str, extra: Mapping[str, str] | None = None) -> None:
        """Keeps the fields under ``key`` from now on, with the values ``extra`` that are no text fields."""
        self.run_method("watch", f"{self._username}:{key}", dict(extra or {}))

    def keep(self, name: str, value: str) -> None:
        """Changes one of the values that are no text fields."""
        self.run_method("keep", name, value)

    def forget(self) -> None:
        """Drops the draft; what is typed later is kept again."""
        self.run_method("forget")

    def close(self) -> None:
        """Drops the draft and keeps nothing more until the next ``watch``."""
        self.run_method("unwatch")


def keep_in_draft(field: Element, name: str) -> None:
    """Makes ``field``, a text field, part of the draft under ``name``."""
    field.props["data-draft"] = name


def _values(event: GenericEventArguments) -> dict[str, str]:
    args = event.args[0] if isinstance(event.args, list) and event.args else event.args
    return {str(name): str(value) for name, value in args.items()} if isinstance(args, dict) else {}
