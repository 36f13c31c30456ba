"""A client that hangs up ends the work done for it.

Servers say so in two ways: Ray's direct ingress cancels the request task, uvicorn lets ``receive`` return
``http.disconnect``. ``Hangup`` turns the second into the first, so that ``Closing`` closes the stream in both cases.
"""

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive

from deployments.api.errors import ClientGone

_PATIENCE_S = 0.01
"""A prepared answer is on its way before this; the watcher then never starts and costs nothing."""


class CancelOnDisconnect:
    """``async with Hangup(receive)``: cancels the block when the client goes away and raises ClientGone instead.

    Enter it after the request body has been read: from then on ``receive`` has nothing else to tell.
    """

    __slots__ = ("_cancelling", "_gone", "_receive", "_task", "_timer", "_watcher")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = False
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("Hangup needs a running task")
        self._task, self._cancelling = task, task.cancelling()
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE_S, self._start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._gone and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise ClientGone from None

    def _start(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        self._task.cancel()
