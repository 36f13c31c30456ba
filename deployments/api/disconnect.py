"""Cancellation of a request whose client disconnects.

Servers report a disconnect in two ways: Ray's direct ingress cancels the request task, uvicorn returns
``http.disconnect`` from ``receive``. ``CancelOnDisconnect`` turns the second into a cancellation, so that streams are
closed in both cases.
"""

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive

from deployments.api.errors import ClientGone

_WATCH_DELAY_S = 0.01
"""The watcher starts after this delay. A prepared answer is sent earlier and never pays for the watcher."""


class CancelOnDisconnect:
    """``async with CancelOnDisconnect(receive)``: cancels the block when the client disconnects and raises ClientGone.

    Enter it after the request body has been read: from then on ``receive`` returns only the disconnect.
    """

    __slots__ = ("_cancelling", "_disconnected", "_receive", "_task", "_timer", "_watcher")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._disconnected = False
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("CancelOnDisconnect needs a running task")
        self._task, self._cancelling = task, task.cancelling()
        self._timer = asyncio.get_running_loop().call_later(_WATCH_DELAY_S, self._start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._disconnected and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise ClientGone from None

    def _start(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._disconnected = True
        self._task.cancel()
