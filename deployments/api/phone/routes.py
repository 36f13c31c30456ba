"""``WS /tts`` below the phone door's prefix: text in, exact 20 ms frames out. Protocol: docs/phone-protocol.md."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from fastapi import FastAPI
from starlette.websockets import WebSocket

from deployments.administration.addresses import client_address, network
from deployments.api.auth import KeyRing
from deployments.api.limits import Allowances, StreamSlots
from deployments.api.phone.entry import Pass, first_message
from deployments.api.phone.lines import Lines
from deployments.api.phone.lobby import Lobby
from deployments.api.phone.wire import Inbox, SocketWire
from deployments.api.sockets import first_of
from deployments.contracts.chat import SourceKind
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import Forbidden, RateLimited, SecretaryError, Unavailable
from deployments.contracts.reports import SnapshotSource, TurnObserver
from deployments.contracts.settings import ApiKey
from deployments.contracts.shared import SharedCounters
from deployments.conversation.metered import Metered
from deployments.conversation.usage import UsageBook
from deployments.telephony.dialects import NATIVE, Json
from deployments.telephony.messages import MAX_MESSAGE_BYTES
from deployments.telephony.session import Desk, LineSettings, PhoneSession
from deployments.telephony.speaking import LineClosed

UNAUTHORIZED, FORBIDDEN, IDLE, TOO_MANY, TRY_AGAIN, BROKEN = 4401, 4403, 4408, 4429, 1013, 1011
LONGEST_MESSAGE = 2 * MAX_MESSAGE_BYTES
"""Bytes. What is longer closes the line while it arrives; what is shorter and still too long is answered."""


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """Seconds: ``auth_s`` for the key, ``idle_s`` without a message and nothing to play, ``send_s`` for a client that
    does not read. ``strangers`` lines wait for their key at once, ``strangers_of_one`` of them from one address."""

    auth_s: float = 5.0
    idle_s: float = 300.0
    send_s: float = 5.0
    strangers: int = 64
    strangers_of_one: int = 16
    line: LineSettings = field(default_factory=LineSettings)


@dataclass(frozen=True, slots=True)
class PhoneServices:
    """What the process hands to its phone door. ``clock`` gives Unix seconds, for the expiry of keys."""

    assistant: Assistant
    snapshots: SnapshotSource
    observer: TurnObserver
    clock: Callable[[], float] = time.time
    settings: PhoneSettings = field(default_factory=PhoneSettings)
    shared: SharedCounters | None = None
    usage: UsageBook | None = None


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
        self._keys = KeyRing(services.snapshots, services.clock)
        self._usage = services.usage or UsageBook(services.clock)
        self._allowances = Allowances(services.clock, self._usage, services.shared)
        self._slots = StreamSlots()
        self._lines = Lines()
        self._lobby = Lobby(services.settings.strangers, services.settings.strangers_of_one)
        self._desk = Desk(
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
        inbox, wire = Inbox(socket), SocketWire(socket, self._services.settings.send_s)
        try:
            await self._line(socket, inbox, wire)
        except LineClosed as error:
            await wire.close(BROKEN, str(error))
        except SecretaryError as error:
            await _refuse(wire, error)
        finally:
            await inbox.close()

    async def _line(self, socket: WebSocket, inbox: Inbox, wire: SocketWire) -> None:
        services = self._services
        if not services.snapshots.ready:
            raise Unavailable("the secretary is starting: its settings have not arrived yet", retry_after_s=1)
        sent = await self._credentials(socket, inbox)
        admission = Pass(sent, services.snapshots, self._keys, self._allowances, self._slots)
        key = admission.check()
        with self._lines.hold(key):
            if "authorization" not in socket.headers:
                await wire.say(_READY)
            session = PhoneSession(self._desk_for(key), wire, admission.admit)
            await first_of(session.serve(), self._listen(wire, inbox, session))

    async def _credentials(self, socket: WebSocket, inbox: Inbox) -> bytes:
        """The caller's key. Whoever sends it in a message waits in the lobby. Raises RateLimited, Overloaded and what
        ``first_message`` raises."""
        if header := socket.headers.get("authorization"):
            return header.encode("latin-1")
        with self._lobby.wait(network(client_address(socket.scope))):
            return await first_message(inbox, self._services.settings.auth_s)

    def _desk_for(self, key: ApiKey) -> Desk:
        """The desk, counting sound for ``key``. Requests are counted where they are admitted: one has many pieces."""
        metered = Metered(self._services.assistant, self._usage, SourceKind.PHONE, key.id, counts_speech=False)
        return replace(self._desk, assistant=metered)

    async def _listen(self, wire: SocketWire, inbox: Inbox, session: PhoneSession) -> None:
        """Hands messages to ``session`` until the line has been idle for too long. Raises LineClosed."""
        while True:
            try:
                message = await inbox.next(self._services.settings.idle_s)
            except TimeoutError:
                if session.busy:
                    continue
                await wire.close(IDLE, "idle")
                return
            if message is None:
                await session.hear_binary()
            else:
                await session.hear(message)


_READY: Json = {"type": "ready"}


async def _refuse(wire: SocketWire, error: SecretaryError) -> None:
    try:
        await wire.say(NATIVE.error(None, error))
    except LineClosed:
        return
    await wire.close(_close_code(error), error.code)


def _close_code(error: SecretaryError) -> int:
    if isinstance(error, Forbidden):
        return FORBIDDEN
    if isinstance(error, RateLimited):
        return TOO_MANY
    return TRY_AGAIN if error.retryable else UNAUTHORIZED
