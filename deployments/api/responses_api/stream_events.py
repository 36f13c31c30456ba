"""The events of a streamed response, with their names and order (OpenAI API, responses streaming)."""

from collections.abc import Iterator
from dataclasses import replace

import orjson

from deployments.api.responses_api.response_object import Fields, call_item, message_item, text_part
from deployments.contracts.chat import ToolCall
from deployments.contracts.events import TextDelta, ToolCallDelta


class ResponseEvents:
    """Renders the events of one answer and keeps its items. Items are closed at its end, in their order."""

    def __init__(self, turn_id: str) -> None:
        self._turn_id = turn_id
        self._number = 0
        self._open: list[int | None] = []
        """The items by output index: the index of a call, None for the message."""
        self.text = ""
        self.calls: dict[int, ToolCall] = {}

    def event(self, kind: str, **fields: object) -> bytes:
        """One server-sent event named ``kind``."""
        data = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"

    def feed(self, delta: TextDelta | ToolCallDelta) -> Iterator[bytes]:
        """The events of ``delta``, after those of the item that it starts."""
        if isinstance(delta, ToolCallDelta):
            yield from self._feed_call(delta)
            return
        if None not in self._open:
            yield from self._start_message()
        self.text += delta.text
        place = self._message_place()
        yield self.event("response.output_text.delta", **place, delta=delta.text, logprobs=[])

    def finish(self, status: str) -> Iterator[bytes]:
        """The closing events of all items. An answer without an item gets an empty message."""
        if not self._open:
            yield from self._start_message()
        for place, index in enumerate(self._open):
            if index is None:
                message = self._message_place()
                part = text_part(self.text)
                yield self.event("response.output_text.done", **message, text=self.text, logprobs=[])
                yield self.event("response.content_part.done", **message, part=part)
            else:
                done = {"item_id": f"fc_{self._turn_id}_{index}", "output_index": place, "name": self.calls[index].name}
                arguments = self.calls[index].arguments
                yield self.event("response.function_call_arguments.done", **done, arguments=arguments)
            yield self.event("response.output_item.done", output_index=place, item=self._item(index, status))

    def items(self, status: str) -> list[Fields]:
        return [self._item(index, status) for index in self._open]

    def _start_message(self) -> Iterator[bytes]:
        self._open.append(None)
        place = self._message_place()
        item = message_item(self._turn_id, "", "in_progress")
        yield self.event("response.output_item.added", output_index=place["output_index"], item=item)
        yield self.event("response.content_part.added", **place, part=text_part(""))

    def _feed_call(self, delta: ToolCallDelta) -> Iterator[bytes]:
        known = self.calls.get(delta.index)
        if known is None:
            known = ToolCall(delta.id, delta.name, "")
            self._open.append(delta.index)
            item = call_item(self._turn_id, delta.index, known, "in_progress")
            yield self.event("response.output_item.added", output_index=len(self._open) - 1, item=item)
        self.calls[delta.index] = replace(known, arguments=known.arguments + delta.arguments)
        if delta.arguments:
            place = {"item_id": f"fc_{self._turn_id}_{delta.index}", "output_index": self._open.index(delta.index)}
            yield self.event("response.function_call_arguments.delta", **place, delta=delta.arguments)

    def _message_place(self) -> dict[str, object]:
        return {"item_id": f"msg_{self._turn_id}", "output_index": self._open.index(None), "content_index": 0}

    def _item(self, index: int | None, status: str) -> Fields:
        if index is None:
            return message_item(self._turn_id, self.text, status)
        return call_item(self._turn_id, index, self.calls[index], status)
