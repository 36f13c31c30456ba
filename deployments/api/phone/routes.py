"""``WS /tts`` below the phone door's prefix: text in, exact 20 ms frames out. Protocol: docs/phone-protocol.md."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from fastapi import FastAPI
from starlette.websockets import WebSocket

from deployments.administration.auth.client_addresses import client_address, network_of
from deployments.api.auth import ApiKeyAuthenticator
from deployments.api.limits import ApiKeyLimiter, StreamSlots
from deployments.api.phone.admission import Admission, read_credentials
from deployments.api.phone.websocket_line import WebSocketInput, WebSocketOutput
from deployments.api.websockets import run_until_first_completed
from deployments.contracts.chat import SourceKind
from deployments.contracts.concurrency import ConcurrencyLimit
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import Forbidden, RateLimited, SecretaryError, Unavailable
from deployments.contracts.reports import SnapshotSource, TurnObserver
from deployments.contracts.settings import ApiKey
from deployments.contracts.shared import SharedRateLimiter
from deployments.conversation.metered_assistant import MeteredAssistant
from deployments.conversation.usage_tracker import UsageTracker
from deployments.telephony.client_messages import MAX_MESSAGE_BYTES
from deployments.telephony.dialects import NATIVE, JsonObject
from deployments.telephony.playback import LineClosed
from deployments.telephony.session import LineServices, LineSettings, PhoneSession

CLOSE_UNAUTHORIZED, CLOSE_FORBIDDEN, CLOSE_IDLE, CLOSE_RATE_LIMITED, CLOSE_TRY_AGAIN, CLOSE_INTERNAL_ERROR = (
    4401,
    4403,
    4408,
    4429,
    1013,
    1011,
)
MAX_WEBSOCKET_MESSAGE_BYTES = 2 * MAX_MESSAGE_BYTES
"""Bytes. What is longer closes the line while it arrives; what is shorter and still too long is answered."""


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """Seconds: ``auth_s`` for the key, ``idle_s`` without a message and nothing to play, ``send_s`` for a client that
    does not read. ``strangers`` lines wait for their key at once, ``strangers_of_one`` of them from one address."""

    auth_timeout_s: float = 5.0
    idle_timeout_s: float = 300.0
    send_timeout_s: float = 5.0
    max_unauthenticated: int = 64
    max_unauthenticated_per_network: int = 16
    line: LineSettings = field(default_factory=LineSettings)


@dataclass(frozen=True, slots=True)
class PhoneServices:
    """What the process hands to its phone door. ``clock`` gives Unix seconds, for the expiry of keys."""

    assistant: Assistant
    snapshots: SnapshotSource
    observer: TurnObserver
    clock: Callable[[], float] = time.time
    settings: PhoneSettings = field(default_factory=PhoneSettings)
    shared: SharedRateLimiter | None = None
    usage: UsageTracker | None = None


def build_phone_app(services: PhoneServices) -> FastAPI:
    """The app to be served below ``/phone``: ``WS /tts`` and ``GET /health``."""
    door = PhoneDoor(services)
    app = FastAPI(title="AI secretary, phone lines", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_websocket_route("/tts", door.tts)
    app.add_api_route("/health", door.health, methods=["GET"])
    return app


class PhoneDoor:
    """The lines of one process."""

    def __init__(self, services: PhoneServices) -> None:
        self._services = services
        self._keys = ApiKeyAuthenticator(services.snapshots, services.clock)
        self._usage = services.usage or UsageTracker(services.clock)
        self._allowances = ApiKeyLimiter(services.clock, self._usage, services.shared)
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
        self._desk = LineServices(
            services.assistant,
            services.observer,
            lambda: services.snapshots.current.settings.speech.max_input_chars,
            services.settings.line,
        )

    async def health(self) -> dict[str, bool | int]:
        return {"ready": self._services.snapshots.ready, "live_streams": self._slots.live}

    async def tts(self, socket: WebSocket) -> None:
        """One line, from handshake to close. A client that goes away ends the work done for it, whether the server
        says so by a message or by cancelling this task."""
        await socket.accept()
        inbox, wire = WebSocketInput(socket), WebSocketOutput(socket, self._services.settings.send_timeout_s)
        try:
            await self._line(socket, inbox, wire)
        except LineClosed as error:
            await wire.close(CLOSE_INTERNAL_ERROR, str(error))
        except SecretaryError as error:
            await _refuse(wire, error)
        finally:
            await inbox.close()

    async def _line(self, socket: WebSocket, inbox: WebSocketInput, wire: WebSocketOutput) -> None:
        services = self._services
        if not services.snapshots.ready:
            raise Unavailable("the secretary is starting: its settings have not arrived yet", retry_after_s=1)
        sent = await self._credentials(socket, inbox)
        admission = Admission(sent, services.snapshots, self._keys, self._allowances, self._slots)
        key = admission.authenticate()
        with self._lines.acquire(key.id, per_owner=key.limits.concurrent_streams or None):
            if "authorization" not in socket.headers:
                await wire.send_message(_READY)
            session = PhoneSession(self._desk_for(key), wire, admission.admit)
            await run_until_first_completed(session.serve(), self._listen(wire, inbox, session))

    async def _credentials(self, socket: WebSocket, inbox: WebSocketInput) -> bytes:
        """The caller's key. Whoever sends it in a message waits in the lobby. Raises RateLimited, Overloaded and what
        ``first_message`` raises."""
        if header := socket.headers.get("authorization"):
            return header.encode("latin-1")
        with self._unauthenticated.acquire(network_of(client_address(socket.scope))):
            return await read_credentials(inbox, self._services.settings.auth_timeout_s)

    def _desk_for(self, key: ApiKey) -> LineServices:
        """The desk, counting sound for ``key``. Requests are counted where they are admitted: one has many pieces."""
        metered = MeteredAssistant(self._services.assistant, self._usage, SourceKind.PHONE, key.id, counts_speech=False)
        return replace(self._desk, assistant=metered)

    async def _listen(self, wire: WebSocketOutput, inbox: WebSocketInput, session: PhoneSession) -> None:
        """Hands messages to ``session`` until the line has been idle for too long. Raises LineClosed."""
        while True:
            try:
                message = await inbox.receive(self._services.settings.idle_timeout_s)
            except TimeoutError:
                if session.busy:
                    continue
                await wire.close(CLOSE_IDLE, "idle")
                return
            if message is None:
                await session.handle_binary()
            else:
                await session.handle_message(message)


_READY: JsonObject = {"type": "ready"}


async def _refuse(wire: WebSocketOutput, error: SecretaryError) -> None:
    try:
        await wire.send_message(NATIVE.error(None, error))
    except LineClosed:
        return
    await wire.close(_close_code(error), error.code)


def _close_code(error: SecretaryError) -> int:
    if isinstance(error, Forbidden):
        return CLOSE_FORBIDDEN
    if isinstance(error, RateLimited):
        return CLOSE_RATE_LIMITED
    return CLOSE_TRY_AGAIN if error.retryable else CLOSE_UNAUTHORIZED
