"""The phone app (docs/phone-protocol.md): ``WS /tts`` turns text into 20 ms audio frames, ``WS /stt`` sound into text;
``GET /health``."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from fastapi import FastAPI
from starlette.websockets import WebSocket

from deployments.administration.auth.client_addresses import client_address, network_of
from deployments.api.auth import ApiKeyAuthenticator
from deployments.api.hearing.socket_session import HearingSettings, Idle, SocketHearing, wait_for_start
from deployments.api.limits import ApiKeyLimiter, StreamSlots
from deployments.api.phone.admission import Admission, read_credentials
from deployments.api.phone.websocket_line import WebSocketInput, WebSocketOutput
from deployments.api.websockets import run_until_first_completed
from deployments.contracts.api_key import ApiKey
from deployments.contracts.chat import SourceKind
from deployments.contracts.concurrency import ConcurrencyLimit
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import Forbidden, RateLimited, SecretaryError, Unauthorized, Unavailable
from deployments.contracts.reports import PHONE_LINE, SnapshotSource, TurnObserver
from deployments.contracts.shared import SharedRateLimiter
from deployments.conversation.metered_assistant import TRANSCRIPTION_ROUTE, MeteredAssistant
from deployments.conversation.usage_tracker import UsageTracker
from deployments.telephony.client_messages import MAX_MESSAGE_BYTES
from deployments.telephony.dialects import NATIVE, JsonObject
from deployments.telephony.playback import LineClosed
from deployments.telephony.session import LineServices, LineSettings, PhoneSession

CLOSE_NORMAL = 1000
CLOSE_INVALID = 4400
CLOSE_UNAUTHORIZED = 4401
CLOSE_FORBIDDEN = 4403
CLOSE_IDLE = 4408
CLOSE_RATE_LIMITED = 4429
CLOSE_TRY_AGAIN = 1013
CLOSE_INTERNAL_ERROR = 1011
MAX_WEBSOCKET_MESSAGE_BYTES = 2 * MAX_MESSAGE_BYTES
"""A longer message closes the line while it arrives. A shorter one above MAX_MESSAGE_BYTES gets an error message."""


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """Limits of phone lines.

    ``auth_timeout_s`` bounds the wait for the key, ``idle_timeout_s`` the time without a message and without audio to
    play, ``send_timeout_s`` the time until the client reads a message. ``max_unauthenticated`` lines may wait for their
    key.
    """

    auth_timeout_s: float = 5.0
    idle_timeout_s: float = 300.0
    send_timeout_s: float = 5.0
    max_unauthenticated: int = 64
    max_unauthenticated_per_network: int = 16
    line: LineSettings = field(default_factory=LineSettings)
    hearing: HearingSettings = field(default_factory=HearingSettings)


@dataclass(frozen=True, slots=True)
class PhoneServices:
    """Arguments of a phone app. ``clock`` gives Unix seconds."""

    assistant: Assistant
    snapshots: SnapshotSource
    observer: TurnObserver
    clock: Callable[[], float] = time.time
    settings: PhoneSettings = field(default_factory=PhoneSettings)
    shared: SharedRateLimiter | None = None
    usage: UsageTracker | None = None


def build_phone_app(services: PhoneServices) -> FastAPI:
    """The app with ``WS /tts``, ``WS /stt`` and ``GET /health``, to be mounted at ``/phone``."""
    door = PhoneDoor(services)
    app = FastAPI(title="AI secretary, phone lines", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_websocket_route("/tts", door.tts)
    app.add_api_websocket_route("/stt", door.stt)
    app.add_api_route("/health", door.health, methods=["GET"])
    return app


class PhoneDoor:
    """Serves the phone lines of one process."""

    def __init__(self, services: PhoneServices) -> None:
        self._services = services
        self._keys = ApiKeyAuthenticator(services.snapshots, services.clock)
        self._usage = services.usage or UsageTracker(services.clock)
        self._limiter = ApiKeyLimiter(services.clock, self._usage, services.shared)
        self._slots = StreamSlots()
        self._lines = ConcurrencyLimit[int](
            owner_message="This API key may have {limit} lines open at once (concurrent_streams)."
        )
        self._unauthenticated = ConcurrencyLimit[str](
            total=services.settings.max_unauthenticated,
            per_owner=services.settings.max_unauthenticated_per_network,
            total_message="{limit} lines wait for their key; try again in a moment.",
            owner_message="{limit} lines from your address wait for their key; send it in the handshake.",
            retry_after_s=1.0,
        )
        self._line_services = LineServices(
            services.assistant,
            services.observer,
            lambda: services.snapshots.current.settings,
            services.settings.line,
        )

    async def health(self) -> dict[str, bool | int]:
        return {"ready": self._services.snapshots.ready, "live_streams": self._slots.live}

    async def tts(self, socket: WebSocket) -> None:
        """Serves one line from handshake to close. A disconnect ends its work, whether the server reports it by a
        message or by cancelling this task."""
        await self._serve(socket, self._serve_line)

    async def stt(self, socket: WebSocket) -> None:
        """Serves one live session of speech recognition."""
        await self._serve(socket, self._serve_hearing)

    async def _serve(
        self, socket: WebSocket, serve: Callable[[WebSocket, WebSocketInput, WebSocketOutput], Awaitable[None]]
    ) -> None:
        await socket.accept()
        messages, output = WebSocketInput(socket), WebSocketOutput(socket, self._services.settings.send_timeout_s)
        try:
            await serve(socket, messages, output)
        except Idle:
            await output.close(CLOSE_IDLE, "idle")
        except LineClosed as error:
            await output.close(CLOSE_INTERNAL_ERROR, str(error))
        except SecretaryError as error:
            await _close_with_error(output, error)
        finally:
            await messages.close()

    async def _serve_line(self, socket: WebSocket, messages: WebSocketInput, output: WebSocketOutput) -> None:
        services = self._services
        if not services.snapshots.ready:
            raise Unavailable("the secretary is starting: its settings have not arrived yet", retry_after_s=1)
        credentials = await self._credentials(socket, messages)
        admission = Admission(credentials, services.snapshots, self._keys, self._limiter, self._slots)
        key = admission.authenticate()
        with self._open_line(key):
            if "authorization" not in socket.headers:
                await output.send_message(_READY)
            session = PhoneSession(self._services_for(key), output, admission.admit)
            await run_until_first_completed(
                session.serve(), self._receive_messages(output, messages, session), output.watch()
            )

    async def _serve_hearing(self, socket: WebSocket, messages: WebSocketInput, output: WebSocketOutput) -> None:
        services = self._services
        if not services.snapshots.ready:
            raise Unavailable("the secretary is starting: its settings have not arrived yet", retry_after_s=1)
        credentials = await self._credentials(socket, messages)
        admission = Admission(
            credentials, services.snapshots, self._keys, self._limiter, self._slots, TRANSCRIPTION_ROUTE
        )
        key = admission.authenticate()
        with self._open_line(key):
            if "authorization" not in socket.headers:
                await output.send_message(_READY)
            request = await wait_for_start(messages, services.settings.hearing)
            async with admission.admit():
                assistant = self._services_for(key).assistant
                hearing = SocketHearing(assistant, messages, output, services.settings.hearing, admission.check)
                await hearing.run(request)
        await output.close(CLOSE_NORMAL, "finished")

    @contextmanager
    def _open_line(self, key: ApiKey) -> Iterator[None]:
        """Counts an open line of ``key``. Raises RateLimited."""
        with self._lines.acquire(key.id, per_owner=key.limits.concurrent_streams or None):
            self._services.observer.on_stream_opened(PHONE_LINE)
            try:
                yield
            finally:
                self._services.observer.on_stream_closed(PHONE_LINE)

    async def _credentials(self, socket: WebSocket, messages: WebSocketInput) -> bytes:
        """The Authorization header, or the key of the first message. Raises RateLimited, Overloaded, Unauthorized and
        LineClosed."""
        if header := socket.headers.get("authorization"):
            return header.encode("latin-1")
        with self._unauthenticated.acquire(network_of(client_address(socket.scope))):
            return await read_credentials(messages, self._services.settings.auth_timeout_s)

    def _services_for(self, key: ApiKey) -> LineServices:
        """Line services that record audio usage for ``key``. ``Admission`` counts requests, since one has many
        pieces."""
        metered = MeteredAssistant(self._services.assistant, self._usage, SourceKind.PHONE, key.id, counts_speech=False)
        return replace(self._line_services, assistant=metered)

    async def _receive_messages(self, output: WebSocketOutput, messages: WebSocketInput, session: PhoneSession) -> None:
        """Passes messages to ``session`` until the line is idle for ``idle_timeout_s``. Raises LineClosed."""
        while True:
            try:
                message = await messages.receive(self._services.settings.idle_timeout_s)
            except TimeoutError:
                if session.busy:
                    continue
                await output.close(CLOSE_IDLE, "idle")
                return
            if isinstance(message, bytes):
                await session.handle_binary()
            else:
                await session.handle_message(message)


_READY: JsonObject = {"type": "ready"}


async def _close_with_error(output: WebSocketOutput, error: SecretaryError) -> None:
    try:
        await output.send_message(NATIVE.error(None, error))
    except LineClosed:
        return
    await output.close(_close_code(error), error.code)


def _close_code(error: SecretaryError) -> int:
    if isinstance(error, Forbidden):
        return CLOSE_FORBIDDEN
    if isinstance(error, RateLimited):
        return CLOSE_RATE_LIMITED
    if isinstance(error, Unauthorized):
        return CLOSE_UNAUTHORIZED
    return CLOSE_TRY_AGAIN if error.retryable else CLOSE_INVALID
