"""Responses that later requests continue or fetch: bounded, for a day, each for the API key that asked for it.

They lie in the memory of the door. With Redis all doors share them; without it a response is known to its own door.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from deployments.api.responses_api.input_items import Message
from deployments.api.responses_api.response_object import Fields
from deployments.contracts.shared import SharedBlobCache

_LIFETIME_S = 24 * 3600
_MAX_BYTES = 64_000_000
"""Of all responses of a door."""
_MAX_OF_KEY = 500


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """``body`` is the response object. ``messages`` is the conversation with its answer, without instructions."""

    body: Fields
    messages: list[Message]


class StoredResponses:
    """``clock`` gives Unix seconds."""

    def __init__(
        self,
        clock: Callable[[], float],
        shared: SharedBlobCache | None = None,
        max_bytes: int = _MAX_BYTES,
        max_of_key: int = _MAX_OF_KEY,
    ) -> None:
        self._clock = clock
        self._shared = shared
        self._max_bytes = max_bytes
        self._max_of_key = max_of_key
        self._known: OrderedDict[tuple[int, str], tuple[float, bytes]] = OrderedDict()
        self._of_key: Counter[int] = Counter()
        self._bytes = 0

    async def put(self, key_id: int, response: StoredResponse) -> None:
        """Stores ``response``; the oldest ones make room."""
        name = str(response.body["id"])
        until = self._clock() + _LIFETIME_S
        content = orjson.dumps({"until": until, "body": response.body, "messages": response.messages})
        if len(content) > self._max_bytes // 8:
            return
        self._forget((key_id, name))
        self._known[key_id, name] = (until, content)
        self._bytes += len(content)
        self._of_key[key_id] += 1
        self._make_room(key_id)
        if self._shared is not None:
            await self._shared.put(_shared_name(key_id, name), content)

    async def get(self, key_id: int, name: str) -> StoredResponse | None:
        """The response ``name`` of this key; None for others, for expired and for deleted ones."""
        known = self._known.get((key_id, name))
        content = known[1] if known else None
        if content is None and self._shared is not None:
            content = await self._shared.get(_shared_name(key_id, name))
        if not content:
            return None
        fields = orjson.loads(content)
        if fields["until"] <= self._clock():
            self._forget((key_id, name))
            return None
        return StoredResponse(fields["body"], fields["messages"])

    async def delete(self, key_id: int, name: str) -> bool:
        """Whether there was such a response."""
        found = await self.get(key_id, name) is not None
        self._forget((key_id, name))
        if found and self._shared is not None:
            await self._shared.put(_shared_name(key_id, name), b"")
        return found

    def _make_room(self, key_id: int) -> None:
        now = self._clock()
        while self._known and next(iter(self._known.values()))[0] <= now:
            self._forget(next(iter(self._known)))
        if self._of_key[key_id] > self._max_of_key:
            self._forget(next(each for each in self._known if each[0] == key_id))
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._known)))

    def _forget(self, place: tuple[int, str]) -> None:
        known = self._known.pop(place, None)
        if known is not None:
            self._bytes -= len(known[1])
            self._of_key[place[0]] -= 1
            if not self._of_key[place[0]]:
                del self._of_key[place[0]]


def _shared_name(key_id: int, name: str) -> str:
    return f"response:{key_id}:{name}"
