"""The choice after a concurrent change, for a form whose fields are read and filled together."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from ui.components.conflict_choice import ConflictChoice, FieldVersions
from ui.context import PanelContext


class FormFields(Protocol):
    """The fields of a form by name. ``label`` is what a person calls a field."""

    def values(self) -> dict[str, Any]: ...
    def fill(self, values: Mapping[str, Any]) -> None: ...
    def label(self, name: str) -> str: ...
    def mark(self, name: str, problem: str) -> bool: ...
    def clear_problems(self) -> None: ...
    def disable(self) -> None: ...


class ConflictNotice:
    """Hidden until ``show``. ``load`` returns the stored values of ``fields``, and makes the next ``save`` start from
    their version."""

    def __init__(
        self,
        panel: PanelContext,
        fields: FormFields,
        load: Callable[[], Awaitable[dict[str, Any]]],
        save: Callable[[], Awaitable[object]],
    ) -> None:
        self._panel = panel
        self._fields = fields
        self._load = load
        self._mine: dict[str, Any] = {}
        self._theirs: dict[str, Any] = {}
        self._choice = ConflictChoice(panel, save, lambda: fields.fill(self._theirs), lambda: fields.fill(self._mine))
        self.hide = self._choice.hide

    async def show(self) -> None:
        self._mine, self._theirs = self._fields.values(), await self._load()
        self._choice.show(
            [
                FieldVersions(self._fields.label(name), self._text(mine), self._text(self._theirs[name]))
                for name, mine in self._mine.items()
                if name in self._theirs
            ]
        )

    def _text(self, value: object) -> str:
        t = self._panel.t
        if isinstance(value, bool):
            return t("common.yes") if value else t("common.no")
        if isinstance(value, list | tuple):
            return ", ".join(str(each) for each in value)
        return "" if value is None else str(value)
