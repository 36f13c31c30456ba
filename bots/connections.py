"""The services that a bot process uses, and the function that connects to them."""

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deployments.contracts.engines import Assistant
from deployments.contracts.sessions import ConversationStore
from deployments.outbound.policy import OutboundPolicy


async def _close_nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class BotConnections:
    """``open_token`` decrypts the sealed token of a row. ``policy`` returns the outbound policy in force. ``close``
    releases everything that ``connect`` opened."""

    assistant: Assistant
    conversations: ConversationStore
    open_token: Callable[[str], str]
    policy: Callable[[], OutboundPolicy] = OutboundPolicy
    close: Callable[[], Awaitable[None]] = _close_nothing


Connect = Callable[[], Awaitable[BotConnections]]


def resolve_connect(connect: Connect | str) -> Connect:
    """Imports ``package.module:function``; a function is returned as it is. Raises ValueError for a malformed name."""
    if not isinstance(connect, str):
        return connect
    module, _, name = connect.partition(":")
    if not module or not name:
        raise ValueError(f"expected package.module:function, got {connect!r}")
    function: Connect = getattr(importlib.import_module(module), name)
    return function
