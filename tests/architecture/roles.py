"""Whom the office's gate lets through to each route, and the frozen table of who is meant to be let through.

A line of ``roles.txt`` is a path and, for each method, the lowest role that may use it; "anybody" needs no token.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deployments.api.admin.gate import AdminGate
from deployments.api.metrics import Metrics
from deployments.contracts.identity import Role
from tests.api.admin.office import NamedTokens
from tests.api.door import Snapshots
from tests.architecture.doors import Place, called

TABLE = Path(__file__).with_name("roles.txt")
ANYBODY = "anybody"
_REFUSALS = (401, 403, 1008)

Let = frozenset[str]
"""Those who are let through: names of roles, and "anybody" for a stranger."""


async def let_through(places: Iterable[Place]) -> dict[Place, Let]:
    """Asks the gate about every place, in the name of a stranger and of each role."""
    gate = AdminGate(_behind, tokens=NamedTokens(), snapshots=Snapshots(), metrics=Metrics(), look_again_s=60.0)
    return {place: frozenset([who for who in (ANYBODY, *Role) if await _passes(gate, place, who)]) for place in places}


def meant(table: Path = TABLE) -> Mapping[Place, Let]:
    """The table, as ``let_through`` would find it."""
    lines = (line.split() for line in table.read_text(encoding="utf-8").splitlines() if line.startswith("/"))
    return {
        Place("office", method, path): _from(role)
        for path, *pairs in lines
        for method, role in zip(pairs[::2], pairs[1::2], strict=True)
    }


def _from(lowest: str) -> Let:
    everybody = (ANYBODY, *(role.value for role in Role))
    return frozenset(everybody[everybody.index(lowest) :])


async def _passes(gate: AdminGate, place: Place, who: str) -> bool:
    token = () if who == ANYBODY else ((b"authorization", f"Bearer {who}".encode()),)
    finding = await called(gate, place, "/admin", token)
    return finding.status not in _REFUSALS


async def _behind(scope: Scope, receive: Receive, send: Send) -> None:
    """What stands behind the gate: something that serves everybody who comes through."""
    if scope["type"] == "websocket":
        accepted: dict[str, Any] = {"type": "websocket.accept"}
        await send(accepted)
    else:
        await Response()(scope, receive, send)
