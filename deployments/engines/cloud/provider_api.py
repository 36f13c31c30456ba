"""The two requests of a provider's API: a streamed answer and the list of models."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping

import orjson

from deployments.contracts.errors import SecretaryError, Unavailable
from deployments.contracts.events import TextDelta, ToolCallDelta
from deployments.contracts.provider_errors import ProviderFailed
from deployments.contracts.provider_kinds import ProviderKind
from deployments.contracts.streams import Closing
from deployments.engines.cloud.connection import ProviderConnection, ProviderResponse
from deployments.engines.cloud.failures import ProviderNames, cut_off, from_response, malformed
from deployments.engines.cloud.reply import CloudReply
from deployments.engines.cloud.server_sent_events import EventReader, EventTooLong, looks_like_events

_MAX_ERROR_BYTES = 100_000
_MAX_LIST_BYTES = 5_000_000
_SNIFFED_BYTES = 8
_END_OF_BODY_S = 0.25


class ProviderApi:
    """The API of one provider. Raises ProviderFailed and ConversationTooLong besides the errors of ``connection``."""

    def __init__(self, connection: ProviderConnection, kind: ProviderKind, names: ProviderNames) -> None:
        self._connection = connection
        self._kind = kind
        self._names = names

    async def models(self) -> tuple[str, ...]:
        """The names of the models that the provider lists."""
        async with self._connection.get(self._kind.models_path) as response:
            body = await _read(response.aiter_raw(), _MAX_LIST_BYTES)
        if response.status_code == 200 and (listed := _model_names(body)) is not None:
            return listed
        raise from_response(self._names, response.status_code, response.headers, body)

    async def chat(
        self, reply: CloudReply, headers: Mapping[str, str], body: bytes, alternative_path: str = ""
    ) -> AsyncIterator[TextDelta | ToolCallDelta]:
        """Posts ``body`` and yields the deltas of the reply, which ``reply`` reads."""
        path = self._kind.chat_path.format(model=self._names.model)
        all_headers = {**headers, "content-type": "application/json", "accept": "text/event-stream"}
        async with (
            self._connection.post(path, all_headers, body, alternative_path) as response,
            Closing(self._event_stream(response)) as parts,
        ):
            reader = EventReader()
            try:
                async for part in parts:
                    for event in _deltas(reply, reader.feed(part)):
                        yield event
                    if reply.done:
                        await _read_end(parts)
                        break
                for event in _deltas(reply, reader.finish()):
                    yield event
            except EventTooLong as error:
                raise malformed(self._names) from error
        if reply.finish_reason is None:
            raise cut_off(self._names)

    async def _event_stream(self, response: ProviderResponse) -> AsyncIterator[bytes]:
        """The parts of an event stream. Raises the error of any other response, and ProviderFailed for a cut
        connection."""
        received = response.aiter_raw()
        async with Closing(received) as parts:
            if response.status_code != 200:
                body = await _read(parts, _MAX_ERROR_BYTES)
                raise from_response(self._names, response.status_code, response.headers, body)
            first = await _read(parts, _SNIFFED_BYTES)
            if not looks_like_events(first):
                body = first + await _read(parts, _MAX_ERROR_BYTES)
                if not body.strip():
                    raise cut_off(self._names)
                raise from_response(self._names, response.status_code, response.headers, body)
            yield first
            try:
                async for part in parts:
                    yield part
            except Unavailable as error:
                if type(error) is not Unavailable:
                    raise
                raise cut_off(self._names) from error


def _deltas(reply: CloudReply, events: Iterator[bytes]) -> Iterator[TextDelta | ToolCallDelta]:
    """The deltas of events that arrived together. Their texts become one delta, so that a busy process catches up.

    Texts before an error are yielded before it is raised.
    """
    text = ""
    try:
        for data in events:
            for delta in reply.read(data):
                if isinstance(delta, TextDelta):
                    text += delta.text
                    continue
                if text:
                    yield TextDelta(text)
                    text = ""
                yield delta
    except SecretaryError:
        if text:
            yield TextDelta(text)
        raise
    if text:
        yield TextDelta(text)


async def _read(parts: AsyncIterator[bytes], enough: int) -> bytes:
    """The next parts until there are ``enough`` bytes or no more."""
    body = b""
    while len(body) < enough and (part := await anext(parts, None)) is not None:
        body += part
    return body


async def _read_end(parts: AsyncIterator[bytes]) -> None:
    """Reads the end of the body, so that the connection can be used again."""
    try:
        async with asyncio.timeout(_END_OF_BODY_S):
            while await anext(parts, None) is not None:
                pass
    except (TimeoutError, ProviderFailed):
        return


def _model_names(body: bytes) -> tuple[str, ...] | None:
    """The names in a list of models; None when ``body`` is something else."""
    try:
        listed = orjson.loads(body)
        rows = listed["data"] if "data" in listed else listed["models"]
        return tuple(str(row.get("id") or row["name"]).removeprefix("models/") for row in rows)
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return None
