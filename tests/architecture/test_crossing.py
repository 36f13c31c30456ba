"""What crosses a process comes out as it went in: every argument, every result, every error."""

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

DEPLOYMENTS = (Faq, LocalLlm, SpeechSynthesis, SpeechRecognition, OfficeServer, Bots, BotProcess)
BOUND = (EngineSpec, SecretaryArgs, OfficeArgs, PhoneArgs, BotsArgs)
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


def _named(hint: Any) -> Iterator[type]:
    """Our own types in a type hint, however deep."""
    if isinstance(hint, type) and hint.__module__.startswith(("deployments.", "bots.")):
        yield hint
    for inner in get_args(hint) if get_origin(hint) else ():
        yield from _named(inner)


def _in_calls(room: type) -> Iterator[type]:
    """What the methods that others may call take and give."""
    for name, method in inspect.getmembers(room, inspect.isfunction):
        if not name.startswith("_") and name not in ("start", "stop"):
            for hint in get_type_hints(method).values():
                yield from _named(hint)


def _in_contracts() -> Iterator[type]:
    for name in CONTRACTS:
        module = import_module(f"deployments.contracts.{name}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            is_noun = hasattr(kind, "__dataclass_fields__") or issubclass(kind, BaseModel)
            if kind.__module__ == module.__name__ and is_noun:
                yield kind


CROSSING = sorted(
    {*_in_contracts(), *BOUND, *(k for room in DEPLOYMENTS for k in _in_calls(room))}, key=lambda k: k.__name__
)


def test_the_main_nouns_are_among_what_crosses() -> None:
    names = {kind.__name__ for kind in CROSSING}
    assert {"ChatTurn", "SpeechChunk", "Snapshot", "DoorReport", "AnswerMatch", "Conversation", "BotStatus"} <= names


@pytest.mark.parametrize("kind", CROSSING, ids=lambda kind: kind.__name__)
@settings(max_examples=10, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_value_that_crosses_a_handle_comes_out_equal(kind: type, data: st.DataObject) -> None:
    value = data.draw(values_of(kind))
    for pickler in (pickle, cloudpickle):
        copy = pickler.loads(pickler.dumps(value))
        assert type(copy) is kind
        assert copy == value


def _every_error() -> list[type[SecretaryError]]:
    """The whole tree, with the branches that grow outside of contracts."""
    for source in shipped_files():
        if "SecretaryError" in source.text and not source.name.startswith("deployments/command/up"):
            import_module(source.name.removesuffix(".py").replace("/", "."))
    found: list[type[SecretaryError]] = [SecretaryError]
    for kind in found:
        found += [child for child in kind.__subclasses__() if child not in found and _is_shipped(child)]
    return found


def _is_shipped(kind: type[SecretaryError]) -> bool:
    return not issubclass(kind, RayTaskError) and not kind.__module__.startswith("tests.")


ERRORS = _every_error()
LASTING = ("ModelMissing", "ServiceStopped", "ResponseTooLarge")  # 503, and yet no second try helps


def made(kind: type[SecretaryError]) -> SecretaryError:
    return kind("nichts geht — ничего", param="voice", retry_after_s=2.5, remedy="secretary models pull x")


def told(error: SecretaryError) -> tuple[object, ...]:
    """Everything a door renders."""
    own = (error.message, error.param, error.retry_after_s, error.remedy)
    return (*own, error.code, error.status, error.retryable)


def test_errors_of_all_rooms_are_known_here() -> None:
    assert {"ModelMissing", "TooManyStreams", "SealBroken", "MethodNotAllowed"} <= {kind.__name__ for kind in ERRORS}


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_keeps_its_class_and_every_field(kind: type[SecretaryError]) -> None:
    error = made(kind)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert told(copy) == told(error)
    assert copy.args == error.args


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_behind_a_handle_is_caught_as_what_it_is(kind: type[SecretaryError]) -> None:
    """Ray raises a class of its own that derives from ours; it may cross a second process the same way."""
    remote = RayTaskError("stream", "Traceback: a secret path", made(kind), ip="127.0.0.1").as_instanceof_cause()
    for error in (remote, cloudpickle.loads(cloudpickle.dumps(remote))):
        with pytest.raises(kind) as caught:
            raise error
        assert told(caught.value) == told(made(kind))
        assert "secret path" not in caught.value.message


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_tells_a_caller_what_to_do(kind: type[SecretaryError]) -> None:
    assert 400 <= kind.status < 600
    assert kind.code == kind.code.lower()
    assert kind.retryable == (kind.status in (429, 503)) or kind.__name__ in LASTING


def test_codes_are_not_shared_by_unrelated_errors() -> None:
    by_code: dict[str, list[type[SecretaryError]]] = {}
    for kind in ERRORS:
        by_code.setdefault(kind.code, []).append(kind)
    shared = {code: kinds for code, kinds in by_code.items() if len(kinds) > 1}
    assert set(shared) <= {"overloaded"}, shared


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    import deployments.contracts.errors as module

    drawn = [line for line in (module.__doc__ or "").splitlines() if any(character.isdigit() for character in line)]
    for kind in (kind for kind in ERRORS if kind.__module__ == module.__name__):
        assert any(f"{kind.__name__} " in line and f"{kind.status} {kind.code}" in line for line in drawn), kind
