"""The whole OpenAPI document, tried by Schemathesis: no 5xx, no undocumented status, no reply off its schema."""

from collections.abc import Callable, Iterator

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deployments.api.admin.path_permissions import PUBLIC_PATHS
from tests.api.admin.running_office import RunningOffice

_CHECKS = (status_code_conformance, content_type_conformance, response_schema_conformance)
_FEW = settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningOffice]:
    running = RunningOffice(tmp_path_factory.mktemp("office"))
    running.start()
    yield running
    running.stop()


_ENDLESS = {"/monitor/gpu/stream", "/logs/stream/{file}"}
"""Event streams that end when the client goes; they have tests of their own."""

Probe = Callable[[schemathesis.Case], None]


def try_every_operation(office: RunningOffice, probe: Probe) -> None:
    """``probe`` on generated requests, right and wrong ones, of every operation in the document; all that went wrong is
    told together."""
    url = f"{office.url}/openapi.json"
    described = schemathesis.openapi.from_url(url, headers={"authorization": "Bearer admin"})
    faults: list[str] = []
    for found in described.get_all_operations():
        operation = found.ok()
        if operation.path in _ENDLESS:
            continue
        for mode in schemathesis.GenerationMode:
            try:
                _try(operation.as_strategy(generation_mode=mode), probe)
            except (AssertionError, FailureGroup) as fault:
                faults.append(f"{operation.label}: {_told(fault)}")
    assert not faults, "\n\n".join(faults)


def _told(fault: BaseException) -> str:
    if isinstance(fault, BaseExceptionGroup):
        return "; ".join(_told(inner) for inner in fault.exceptions)
    return str(fault)


def _try(cases: SearchStrategy[schemathesis.Case], probe: Probe) -> None:
    @_FEW
    @given(cases)
    def run(case: schemathesis.Case) -> None:
        probe(case)

    try:
        run()
    except Unsatisfiable:
        """There is no wrong request of this operation, or no right one: nothing to try."""


def test_an_administrator_never_meets_a_broken_reply(office: RunningOffice) -> None:
    def probe(case: schemathesis.Case) -> None:
        reply = case.call(timeout=20, headers={"authorization": "Bearer admin"})
        assert reply.status_code < 500 or reply.status_code == 503, f"{reply.status_code}: {reply.text[:300]}"
        case.validate_response(reply, checks=_CHECKS)

    try_every_operation(office, probe)


def test_nobody_gets_anything_without_a_token(office: RunningOffice) -> None:
    def probe(case: schemathesis.Case) -> None:
        if case.operation.path in PUBLIC_PATHS:
            return
        reply = case.call(timeout=20)
        assert reply.status_code in (400, 401, 404, 405, 413), (case.method, case.path, reply.status_code)

    try_every_operation(office, probe)


def test_every_operation_says_who_may(office: RunningOffice) -> None:
    document = httpx.get(f"{office.url}/openapi.json", headers={"authorization": "Bearer viewer"}).json()
    assert document["security"] == [{"bearer": []}]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert "422" not in operation["responses"], (method, path)
            assert operation["responses"]["401"]["content"]["application/json"]["schema"]
