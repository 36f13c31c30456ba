"""Schemathesis calls the operations: no 5xx, no undocumented status, no reply that violates its schema."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.admin.running_office import RunningOffice

_CHECKS = (status_code_conformance, content_type_conformance, response_schema_conformance)
_SETTINGS = settings(
    deadline=None, database=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck), derandomize=True
)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningOffice]:
    running = RunningOffice(tmp_path_factory.mktemp("office"))
    running.start()
    yield running
    running.stop()


ADMIN = {"authorization": "Bearer admin"}
_ENDLESS = {"/monitor/gpu/stream", "/logs/stream/{file}"}
"""Event streams end only on disconnect; other tests cover them."""


def read_document(office: RunningOffice) -> dict[str, Any]:
    document: dict[str, Any] = httpx.get(f"{office.url}/openapi.json", headers=ADMIN, timeout=60).json()
    return document


def call_operations(office: RunningOffice, max_examples: int, *, sample: bool) -> list[str]:
    """Calls every operation with ``max_examples`` valid and invalid requests each, or every third one with requests of
    one kind if ``sample``. Returns the faults."""
    schema = schemathesis.openapi.from_dict(read_document(office))
    modes = list(schemathesis.GenerationMode)
    faults: list[str] = []
    for index, result in enumerate(islice(schema.get_all_operations(), 0, None, 3 if sample else 1)):
        operation = result.ok()
        if operation.path in _ENDLESS:
            continue
        for mode in modes[index % 2 :][:1] if sample else modes:
            try:
                _run_cases(operation.as_strategy(generation_mode=mode), office.url, max_examples)
            except (AssertionError, FailureGroup) as fault:
                faults.append(f"{operation.label}: {_fault_text(fault)}")
    return faults


def _fault_text(fault: BaseException) -> str:
    if isinstance(fault, BaseExceptionGroup):
        return "; ".join(_fault_text(inner) for inner in fault.exceptions)
    return str(fault)


def _run_cases(cases: SearchStrategy[schemathesis.Case], url: str, max_examples: int) -> None:
    @settings(_SETTINGS, max_examples=max_examples)
    @given(cases)
    def run(case: schemathesis.Case) -> None:
        reply = case.call(base_url=url, timeout=60, headers=ADMIN)
        assert reply.status_code < 500 or reply.status_code == 503, f"{reply.status_code}: {reply.text[:300]}"
        case.validate_response(reply, checks=_CHECKS)

    with suppress(Unsatisfiable):  # the operation has no invalid request, or no valid one
        run()


def test_sampled_operations_follow_their_schema(office: RunningOffice) -> None:
    assert call_operations(office, max_examples=1, sample=True) == []


@pytest.mark.long
def test_all_operations_follow_their_schema(office: RunningOffice) -> None:
    assert call_operations(office, max_examples=3, sample=False) == []


def test_openapi_document_has_bearer_security(office: RunningOffice) -> None:
    document = read_document(office)
    assert document["security"] == [{"bearer": []}]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert "422" not in operation["responses"], (method, path)
            assert operation["responses"]["401"]["content"]["application/json"]["schema"]
