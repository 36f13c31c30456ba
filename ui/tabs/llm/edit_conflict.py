"""Lets the user of an editor choose between two versions after somebody else changed what is being edited."""

from collections.abc import Mapping
from typing import Protocol

from deployments.contracts.errors import SecretaryError
from ui.components.conflict_choice import ConflictChoice, FieldVersions
from ui.context import PanelContext

Values = Mapping[str, object]


class VersionedEditor(Protocol):
    """``labels`` are those of the fields, by the name that they have in ``read`` and ``write``."""

    labels: Mapping[str, str]

    def read(self) -> Values: ...

    def write(self, values: Values) -> None: ...

    async def adopt_newest(self) -> Values:
        """The values that are stored now. From now on the editor saves over that version. Raises NotFound."""
        ...

    async def save(self) -> None: ...


class EditConflict:
    """Build it inside the form of ``editor``."""

    def __init__(self, panel: PanelContext, editor: VersionedEditor) -> None:
        self._panel = panel
        self._editor = editor
        self._mine: Values = {}
        self._theirs: Values = {}
        self._choice = ConflictChoice(panel, editor.save, self._take_theirs, self._restore_mine)

    def hide(self) -> None:
        self._choice.hide()

    async def explain(self) -> None:
        self._mine = dict(self._editor.read())
        try:
            self._theirs = await self._editor.adopt_newest()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._choice.show(
            [
                FieldVersions(label, _text(self._mine.get(name)), _text(self._theirs.get(name)))
                for name, label in self._editor.labels.items()
            ]
        )

    def _take_theirs(self) -> None:
        self._mine = dict(self._editor.read())
        self._editor.write(self._theirs)

    def _restore_mine(self) -> None:
        self._editor.write(self._mine)


def _text(value: object) -> str:
    return "" if value is None else str(value)
