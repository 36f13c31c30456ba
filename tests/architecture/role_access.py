"""The roles that the gate of the office allows at each route, and the expected roles in ``roles.txt``.

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
"""Names of roles, and "anybody" for a request without a token."""


async def find_allowed_roles(endpoints: Iterable[Endpoint]) -> dict[Endpoint, AllowedRoles]:
    """Calls the gate for every endpoint without a token and with each role."""
    gate = AdminGate(
        _accept_everything,
        tokens=RoleTokens(),
        snapshots=StaticSnapshots(),
        metrics=Metrics(),
        sign_in_check_interval_s=60.0,
    )
    return {
        endpoint: frozenset([caller for caller in (ANYBODY, *Role) if await _is_allowed(gate, endpoint, caller)])
        for endpoint in endpoints
    }


def read_role_table(table: Path = TABLE) -> Mapping[Endpoint, AllowedRoles]:
    """The expected roles in the format of ``find_allowed_roles``."""
    lines = (line.split() for line in table.read_text(encoding="utf-8").splitlines() if line.startswith("/"))
    return {
        Endpoint("office", method, path): _from(role)
        for path, *pairs in lines
        for method, role in zip(pairs[::2], pairs[1::2], strict=True)
    }


def _from(lowest: str) -> AllowedRoles:
    everybody = (ANYBODY, *(role.value for role in Role))
    return frozenset(everybody[everybody.index(lowest) :])


async def _is_allowed(gate: AdminGate, endpoint: Endpoint, caller: str) -> bool:
    token = () if caller == ANYBODY else ((b"authorization", f"Bearer {caller}".encode()),)
    finding = await call_endpoint(gate, endpoint, "/admin", token)
    return finding.status not in _REFUSALS


async def _accept_everything(scope: Scope, receive: Receive, send: Send) -> None:
    """The application behind the gate; it accepts every request."""
    if scope["type"] == "websocket":
        accepted: dict[str, Any] = {"type": "websocket.accept"}
        await send(accepted)
    else:
        await Response()(scope, receive, send)
