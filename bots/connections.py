"""What a bot needs from the rest of the secretary, and how its process obtains it."""

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deployments.contracts.engines import Assistant
from deployments.contracts.sessions import ConversationStore
from deployments.outbound.policy import OutboundPolicy


async def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class BotConnections:
    """``open_token`` unseals a row's token, ``policy`` is what may be asked of whom at present; ``close`` flushes and
    frees what ``connect`` opened."""

    assistant: Assistant
    conversations: ConversationStore
    open_token: Callable[[str], str]
    policy: Callable[[], OutboundPolicy] = OutboundPolicy
    close: Callable[[], Awaitable[None]] = _nothing


Connect = Callable[[], Awaitable[BotConnections]]


def resolve_connect(connect: Connect | str) -> Connect:
    """The function itself, or the one named by ``package.module:function``. Raises ValueError for a malformed name."""
    if not isinstance(connect, str):
        return connect
    module, _, name = connect.partition(":")
    if not module or not name:
        raise ValueError(f"expected package.module:function, got {connect!r}")
    found: Connect = getattr(importlib.import_module(module), name)
    return found
