"""The fields of a form by the names of what they hold: read, filled and marked together."""

from collections.abc import Mapping
from typing import Any

from nicegui.elements.mixins.validation_element import ValidationElement
from nicegui.elements.mixins.value_element import ValueElement


class FieldSet:
    def __init__(self, fields: Mapping[str, ValueElement[Any]]) -> None:
        self._fields = dict(fields)

    def __getitem__(self, name: str) -> ValueElement[Any]:
        return self._fields[name]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._fields)

    def values(self) -> dict[str, Any]:
        return {name: field.value for name, field in self._fields.items()}

    def text(self, name: str) -> str:
        """The value of a text field without surrounding spaces; "" for an empty one."""
        return str(self._fields[name].value or "").strip()

    def fill(self, values: Mapping[str, Any]) -> None:
        """Sets the fields that ``values`` names."""
        self.clear_problems()
        for name in self._fields.keys() & values.keys():
            self._fields[name].value = values[name]

    def label(self, name: str) -> str:
        props = self._fields[name].props
        return str(props.get("label") or props.get("aria-label") or name)

    def disable(self) -> None:
        for field in self._fields.values():
            field.props("disable" if field.tag not in ("q-input", "q-select") else "readonly")

    def mark(self, name: str, problem: str) -> bool:
        """Shows ``problem`` at the field ``name``. Returns False when there is no such field."""
        field = self._fields.get(name)
        if not isinstance(field, ValidationElement):
            return False
        field.error = problem
        return True

    def clear_problems(self) -> None:
        for field in self._fields.values():
            if isinstance(field, ValidationElement):
                field.error = None
