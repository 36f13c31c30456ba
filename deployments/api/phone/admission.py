"""Authentication and admission of phone lines. The API key comes in the handshake or in the first message."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deployments.api.access_rules import AUDIO
from deployments.api.auth import ApiKeyAuthenticator, require_scope
from deployments.api.limits import ApiKeyLimiter, StreamSlots
from deployments.api.phone.websocket_line import WebSocketInput
from deployments.contracts.api_key import ApiKey
from deployments.contracts.chat import SourceKind
from deployments.contracts.errors import SecretaryError, Unauthorized
from deployments.contracts.reports import SnapshotSource
from deployments.conversation.metered_assistant import SPEECH_ROUTE
from deployments.conversation.usage_tracker import UsageAmount
from deployments.telephony.client_messages import AuthMessage, parse_message

_KEY_REQUIRED = (
    'Send your API key as a header, "Authorization: Bearer <key>", or first {"type": "auth", "api_key": "<key>"}.'
)


async def read_credentials(messages: WebSocketInput, timeout_s: float) -> bytes:
    """The key of the first message as an Authorization header. Raises Unauthorized and LineClosed."""
    try:
        first = await messages.receive(timeout_s)
    except TimeoutError:
        raise Unauthorized(_KEY_REQUIRED) from None
    try:
        message = parse_message(first) if isinstance(first, str) else None
    except SecretaryError:
        raise Unauthorized(_KEY_REQUIRED) from None
    if not isinstance(message, AuthMessage):
        raise Unauthorized(_KEY_REQUIRED)
    return b"Bearer " + message.api_key.get_secret_value().encode()


class Admission:
    """Admits the requests of one line. The key is checked for each request, so a revoked key ends at its next one."""

    def __init__(
        self,
        credentials: bytes,
        snapshots: SnapshotSource,
        keys: ApiKeyAuthenticator,
        limiter: ApiKeyLimiter,
        slots: StreamSlots,
        route: str = SPEECH_ROUTE,
    ) -> None:
        self._route = route
        self._credentials = credentials
        self._snapshots = snapshots
        self._keys = keys
        self._limiter = limiter
        self._slots = slots

    def authenticate(self) -> ApiKey:
        """The API key. Raises Unauthorized and Forbidden."""
        key = self._keys.authenticate(self._credentials)
        require_scope(key, AUDIO)
        return key

    def check(self) -> None:
        """Whether a stream in progress may go on. Raises Unauthorized, Forbidden, RateLimited."""
        self._limiter.check_daily_budget(self.authenticate(), AUDIO)

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """Counts one request and holds a stream slot. Raises Unauthorized, Forbidden, RateLimited."""
        key = self.authenticate()
        limits = self._snapshots.current.settings.limits
        await self._limiter.admit(key, limits, AUDIO)
        with self._slots.acquire(limits.max_live_streams, key):
            self._limiter.usage.add(key.id, SourceKind.PHONE.value, self._route, UsageAmount(requests=1))
            yield
