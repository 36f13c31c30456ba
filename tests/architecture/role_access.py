"""Whom the office's gate lets through to each route, and the frozen table of who is meant to be let through.

A line of ``roles.txt`` is a path and, for each method, the lowest role that may use it; "anybody" needs no token.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deployments.api.admin.admin_gate import AdminGate
from deployments.api.metrics import Metrics
from deployments.contracts.identity import Role
from tests.api.admin.admin_client import RoleTokens
from tests.api.running_gateway import StaticSnapshots
from tests.architecture.endpoint_access import Endpoint, call_endpoint

TABLE = Path(__file__).with_name("roles.txt")
ANYBODY = "anybody"
_REFUSALS = (401, 403, 1008)

AllowedRoles = frozenset[str]
"""Those who are let through: names of roles, and "anybody" for a stranger."""


async def find_allowed_roles(endpoints: Iterable[Endpoint]) -> dict[Endpoint, AllowedRoles]:
    """Asks the gate about every place, in the name of a stranger and of each role."""
    gate = AdminGate(
        _behind, tokens=RoleTokens(), snapshots=StaticSnapshots(), metrics=Metrics(), sign_in_check_interval_s=60.0
    )
    return {
        place: frozenset([who for who in (ANYBODY, *Role) if await _passes(gate, place, who)]) for place in endpoints
    }


def read_role_table(table: Path = TABLE) -> Mapping[Endpoint, AllowedRoles]:
    """The table, as ``let_through`` would find it."""
    lines = (line.split() for line in table.read_text(encoding="utf-8").splitlines() if line.startswith("/"))
    return {
        Endpoint("office", method, path): _from(role)
        for path, *pairs in lines
        for method, role in zip(pairs[::2], pairs[1::2], strict=True)
    }


def _from(lowest: str) -> AllowedRoles:
    everybody = (ANYBODY, *(role.value for role in Role))
    return frozenset(everybody[everybody.index(lowest) :])


async def _passes(gate: AdminGate, place: Endpoint, who: str) -> bool:
    token = () if who == ANYBODY else ((b"authorization", f"Bearer {who}".encode()),)
    finding = await call_endpoint(gate, place, "/admin", token)
    return finding.status not in _REFUSALS


async def _behind(scope: Scope, receive: Receive, send: Send) -> None:
    """What stands behind the gate: something that serves everybody who comes through."""
    if scope["type"] == "websocket":
        accepted: dict[str, Any] = {"type": "websocket.accept"}
        await send(accepted)
    else:
        await Response()(scope, receive, send)
