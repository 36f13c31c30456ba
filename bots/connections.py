"""The services that a bot process uses, and the function that connects to them."""

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bots.telegram.tunnelled_connector import TunnelPool
from deployments.contracts.engines import Assistant
from deployments.contracts.instances import BotSpec
from deployments.contracts.sessions import ConversationStore
from deployments.outbound.policy import OutboundPolicy


async def _close_nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class BotConnections:
    """``open_token`` decrypts the sealed token of a row. ``policy`` returns the outbound policy in force.
    ``open_proxies`` returns the proxies of a row, None when it has none. ``close`` releases everything that was
    opened."""

    assistant: Assistant
    conversations: ConversationStore
    open_token: Callable[[str], str]
    policy: Callable[[], OutboundPolicy] = OutboundPolicy
    open_proxies: Callable[[BotSpec], TunnelPool | None] = lambda spec: None
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
