"""A forced tool call as structured output: its JSON schema, and the call in the JSON text that follows it.

For engines whose own way of forcing a call is missing or unreliable.
"""

import re
import secrets
from collections.abc import Iterator, Sequence

import orjson

from deployments.contracts.chat import Tool
from deployments.contracts.events import ToolCallDelta

_CALL_START = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*')


class ForcedCall:
    """Reads a forced call from its JSON text, ``{"name": …, "arguments": …}``, while it arrives."""

    def __init__(self) -> None:
        self._held = ""
        self._started = False

    def feed(self, text: str) -> Iterator[ToolCallDelta]:
        """The parts of the call that are complete. The last brace is held back: it may end the outer object."""
        self._held += text
        if not self._started:
            start = _CALL_START.match(self._held)
            if start is None:
                return
            self._started = True
            self._held = self._held[start.end() :]
            yield ToolCallDelta(0, f"call_{secrets.token_hex(12)}", orjson.loads(start[1]))
        brace = self._held.rfind("}")
        ready, self._held = (self._held, "") if brace < 0 else (self._held[:brace], self._held[brace:])
        if ready:
            yield ToolCallDelta(0, arguments=ready)

    def finish(self, complete: bool) -> Iterator[ToolCallDelta]:
        """The rest of a call that was cut by a length limit."""
        if self._started and not complete and self._held:
            yield ToolCallDelta(0, arguments=self._held)


def call_schema(tools: Sequence[Tool], schemas: Sequence[dict[str, object]]) -> dict[str, object]:
    """The schema of a call of one of ``tools``."""
    calls = [
        {
            "type": "object",
            "properties": {"name": {"const": tool.name}, "arguments": {"$ref": f"#/$defs/{number}"}},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for number, tool in enumerate(tools)
    ]
    definitions = {str(number): _moved(schema or {"type": "object"}, number) for number, schema in enumerate(schemas)}
    return {"anyOf": calls, "$defs": definitions}


def _moved(node: object, number: int) -> object:
    """``node`` with its references into its own schema, which now stands in ``$defs``."""
    if isinstance(node, list):
        return [_moved(each, number) for each in node]
    if not isinstance(node, dict):
        return node
    moved = {name: _moved(value, number) for name, value in node.items()}
    reference = moved.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        moved["$ref"] = f"#/$defs/{number}{reference[1:]}"
    return moved
