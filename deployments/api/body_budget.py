"""The memory for request bodies of one process. A request reserves its bytes before the first one is read."""

from collections import Counter
from collections.abc import Hashable

from starlette.types import Message, Receive, Scope

from deployments.api.request_body import MEGABYTE
from deployments.contracts.errors import Overloaded, RateLimited
from deployments.contracts.settings import Limits

_FREE_BYTES = 16 * 1024
"""Bodies up to this size need no reservation: HAProxy holds back a request until so much of it has arrived, so a slow
sender of a small body never occupies a door."""
_RETRY_AFTER_S = 2.0


class BodyBudget:
    """Counts the bytes of bodies in progress, in all and for each owner.

    One owner may hold two thirds of the bytes, so that nobody stops the uploads of others. A body that is the only one
    of its owner, or the only one of the process, is never refused. ``setting`` is named in the errors.
    """

    def __init__(self, setting: str = "limits.max_bodies_mb") -> None:
        self._setting = setting
        self._in_use = 0
        self._of_owner: Counter[Hashable] = Counter()

    @property
    def in_use(self) -> int:
        """Bytes that are reserved."""
        return self._in_use

    def reserve(self, owner: Hashable, size: int, limit: int) -> None:
        """Takes ``size`` of ``limit`` bytes. Raises RateLimited when ``owner`` holds too many, Overloaded when all
        owners together do."""
        held = self._of_owner[owner]
        if held and held + size > limit * 2 // 3:
            message = f"Too many bytes of request bodies are in progress for this caller ({self._setting})."
            raise RateLimited(message, retry_after_s=_RETRY_AFTER_S)
        if self._in_use and self._in_use + size > limit:
            message = f"Too many bytes of request bodies are in progress ({self._setting}); try again in a moment."
            raise Overloaded(message, retry_after_s=_RETRY_AFTER_S)
        self._in_use += size
        self._of_owner[owner] += size

    def release(self, owner: Hashable, size: int) -> None:
        """Returns ``size`` bytes of ``owner``."""
        self._in_use -= size
        self._of_owner[owner] -= size
        if not self._of_owner[owner]:
            del self._of_owner[owner]


class BodyBudgets:
    """The budgets of one door: JSON bodies lie in its process, uploads in memory files outside of it."""

    def __init__(self) -> None:
        self._bodies, self._uploads = BodyBudget(), BodyBudget("limits.max_uploads_mb")

    def reservation(self, upload: bool) -> "BodyReservation":
        """An empty reservation for one request."""
        return BodyReservation(self._uploads if upload else self._bodies)


def body_limits(limits: Limits, upload: bool) -> tuple[int, int]:
    """The most bytes of one body and of all bodies of a door."""
    if upload:
        return limits.max_upload_mb * MEGABYTE, limits.max_uploads_mb * MEGABYTE
    return limits.max_body_mb * MEGABYTE, limits.max_bodies_mb * MEGABYTE


class BodyReservation:
    """The bytes of one request: reserved at the first read, reduced at the end of the body to those that arrived, and
    kept until ``release``, because the request may use its body until it ends."""

    __slots__ = ("_budget", "_held", "_limit", "_owner")

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._owner: Hashable = None
        self._held = self._limit = 0

    def hold(self, size: int) -> None:
        """Raises what is held to ``size``: the content of a body may need more memory than the body. Raises RateLimited
        and Overloaded."""
        if self._held and size > self._held:
            self.release()
            self._budget.reserve(self._owner, size, self._limit)
            self._held = size

    def reserving(self, receive: Receive, owner: Hashable, size: int, limit: int) -> Receive:
        """Wraps ``receive`` for a body of at most ``size`` bytes. The wrapper raises RateLimited and Overloaded."""
        if size <= _FREE_BYTES:
            return receive
        self._owner, self._limit = owner, limit
        received, ended = -1, False

        async def receive_reserved() -> Message:
            nonlocal received, ended
            if received < 0:
                self._budget.reserve(owner, size, limit)
                self._held, received = size, 0
            message = await receive()
            received += len(message.get("body", b""))
            if not ended and not message.get("more_body", False):
                ended = True
                self._keep(min(received, size))
            return message

        return receive_reserved

    def release(self) -> None:
        """Returns all bytes. A second call does nothing."""
        self._keep(0)

    def _keep(self, size: int) -> None:
        if self._held > size:
            self._budget.release(self._owner, self._held - size)
            self._held = size


def body_bound(scope: Scope, max_bytes: int) -> int:
    """The most bytes that are read of the body of this request: its Content-Length, ``max_bytes`` when it is longer or
    sent in chunks, 0 without a body."""
    size = 0
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return max_bytes
        if name == b"content-length":
            size = min(int(value), max_bytes) if value.isdigit() and len(value) < 15 else max_bytes
    return size
