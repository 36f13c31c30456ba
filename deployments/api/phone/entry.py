"""Who may use a phone line: the key comes in the handshake or in the first message, never in the URL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deployments.api.access import AUDIO
from deployments.api.auth import KeyRing, require_scope
from deployments.api.limits import Allowances, StreamSlots
from deployments.api.phone.wire import Inbox
from deployments.contracts.chat import SourceKind
from deployments.contracts.errors import Unauthorized
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.settings import ApiKey
from deployments.conversation.metered import SPEECH
from deployments.conversation.usage import Used
from deployments.telephony.messages import Auth, parse

_WANTED = 'Send your API key as a header, "Authorization: Bearer <key>", or first {"type": "auth", "api_key": "<key>"}.'


async def first_message(inbox: Inbox, patience_s: float) -> bytes:
    """What the first message says, as an Authorization header would. Raises Unauthorized and LineClosed."""
    try:
        first = await inbox.next(patience_s)
    except TimeoutError:
        raise Unauthorized(_WANTED) from None
    message = parse(first) if first is not None else None
    if not isinstance(message, Auth):
        raise Unauthorized(_WANTED)
    return b"Bearer " + message.api_key.get_secret_value().encode()


class Pass:
    """One caller's right to speak, looked up again for every request: a withdrawn key ends at once."""

    def __init__(
        self,
        credentials: bytes,
        snapshots: SnapshotSource,
        keys: KeyRing,
        allowances: Allowances,
        slots: StreamSlots,
    ) -> None:
        self._credentials = credentials
        self._snapshots = snapshots
        self._keys = keys
        self._allowances = allowances
        self._slots = slots

    def check(self) -> ApiKey:
        """The key. Raises Unauthorized and Forbidden."""
        key = self._keys.identify(self._credentials)
        require_scope(key, AUDIO)
        return key

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """Counts one request and holds a slot. Raises Unauthorized, Forbidden, RateLimited."""
        key = self.check()
        limits = self._snapshots.current.settings.limits
        await self._allowances.admit(key, limits, AUDIO)
        with self._slots.hold(limits.max_live_streams, key):
            self._allowances.usage.add(key.id, SourceKind.PHONE.value, SPEECH, Used(requests=1))
            yield
