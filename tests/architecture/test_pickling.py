"""Values and errors that cross a process boundary are equal after pickling."""

import inspect
import pickle
from collections.abc import Iterator
from importlib import import_module
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from ray import cloudpickle
from ray.exceptions import RayTaskError

from bots.process import BotProcess
from deployments.arguments import BotsArgs, OfficeArgs, PhoneArgs, SecretaryArgs
from deployments.bots import Bots
from deployments.contracts.errors import SecretaryError
from deployments.engines.registry import EngineSpec
from deployments.faq import Faq
from deployments.local_llm import LocalLlm
from deployments.office import OfficeServer
from deployments.recognition import SpeechRecognition
from deployments.voice import SpeechSynthesis
from tests.architecture.contract_values import values_of
from tests.architecture.source_files import shipped_files

CALLABLES = (Faq, LocalLlm, SpeechSynthesis, SpeechRecognition, OfficeServer, Bots, BotProcess)
BIND_ARGUMENTS = (EngineSpec, SecretaryArgs, OfficeArgs, PhoneArgs, BotsArgs)
CONTRACTS = (
    "audio",
    "chat",
    "events",
    "instances",
    "reports",
    "sampling",
    "services",
    "sessions",
    "settings",
    "speech",
)


def _own_types(hint: Any) -> Iterator[type]:
    """The types of this project in a type hint, at any depth."""
    if isinstance(hint, type) and hint.__module__.startswith(("deployments.", "bots.")):
        yield hint
    for inner in get_args(hint) if get_origin(hint) else ():
        yield from _own_types(inner)


def _types_of_methods(cls: type) -> Iterator[type]:
    """Arguments and results of the public methods."""
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        if not name.startswith("_") and name not in ("start", "stop"):
            for hint in get_type_hints(method).values():
                yield from _own_types(hint)


def _contract_types() -> Iterator[type]:
    for name in CONTRACTS:
        module = import_module(f"deployments.contracts.{name}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            is_value = hasattr(kind, "__dataclass_fields__") or issubclass(kind, BaseModel)
            if kind.__module__ == module.__name__ and is_value:
                yield kind


PICKLED = sorted(
    {*_contract_types(), *BIND_ARGUMENTS, *(k for cls in CALLABLES for k in _types_of_methods(cls))},
    key=lambda k: k.__name__,
)


@pytest.mark.parametrize("kind", PICKLED, ids=lambda kind: kind.__name__)
@settings(max_examples=10, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_value_is_equal_after_pickling(kind: type, data: st.DataObject) -> None:
    value = data.draw(values_of(kind))
    for pickler in (pickle, cloudpickle):
        copy = pickler.loads(pickler.dumps(value))
        assert type(copy) is kind
        assert copy == value


def _error_classes() -> list[type[SecretaryError]]:
    """The whole error tree, including classes outside of contracts."""
    for source in shipped_files():
        if "SecretaryError" in source.text and not source.name.startswith("deployments/command/up"):
            import_module(source.name.removesuffix(".py").replace("/", "."))
    found: list[type[SecretaryError]] = [SecretaryError]
    for kind in found:
        found += [child for child in kind.__subclasses__() if child not in found and _is_shipped(child)]
    return found


def _is_shipped(kind: type[SecretaryError]) -> bool:
    return not issubclass(kind, RayTaskError) and not kind.__module__.startswith("tests.")


ERRORS = _error_classes()
NOT_RETRYABLE = ("ModelMissing", "GpuMemoryLacking", "NoModelForLanguage", "ServiceStopped", "ResponseTooLarge")
"""Errors with status 503 for which a retry does not help."""


def make_error(kind: type[SecretaryError]) -> SecretaryError:
    return kind("nichts geht — ничего", param="voice", retry_after_s=2.5, remedy="secretary models pull x")


def fields_of(error: SecretaryError) -> tuple[object, ...]:
    """Every field that a door renders."""
    own = (error.message, error.param, error.retry_after_s, error.remedy)
    return (*own, error.code, error.status, error.retryable)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_error_is_equal_after_pickling(kind: type[SecretaryError]) -> None:
    error = make_error(kind)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert fields_of(copy) == fields_of(error)
    assert copy.args == error.args


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_error_of_ray_task_is_caught_as_its_class(kind: type[SecretaryError]) -> None:
    """Ray raises a class that derives from the error; it can cross a second process."""
    remote = RayTaskError("stream", "Traceback: a secret path", make_error(kind), ip="127.0.0.1").as_instanceof_cause()
    for error in (remote, cloudpickle.loads(cloudpickle.dumps(remote))):
        with pytest.raises(kind) as caught:
            raise error
        assert fields_of(caught.value) == fields_of(make_error(kind))
        assert "secret path" not in caught.value.message


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_error_status_and_retryable_agree(kind: type[SecretaryError]) -> None:
    assert 400 <= kind.status < 600
    assert kind.code == kind.code.lower()
    assert kind.retryable == (kind.status in (429, 503)) or kind.__name__ in NOT_RETRYABLE


def test_error_codes_are_unique() -> None:
    by_code: dict[str, list[type[SecretaryError]]] = {}
    for kind in ERRORS:
        by_code.setdefault(kind.code, []).append(kind)
    shared = {code: kinds for code, kinds in by_code.items() if len(kinds) > 1}
    assert set(shared) <= {"overloaded", "engine_failed"}, shared
