"""Engines by name: what is known, what is refused, and how it is said."""

import tomllib

import pytest

from deployments.contracts.errors import InvalidRequest, ModelMissing, NotFound
from deployments.engines import registry
from deployments.engines.options import EngineOptions
from deployments.engines.registry import BUILT_IN, KINDS, EngineSpec, Registration, create, find, names
from tests.architecture.sources import ROOT


def test_an_unknown_engine_lists_the_known_ones() -> None:
    with pytest.raises(NotFound, match="unknown chat engine 'gpt'; known: echo, llama_cpp"):
        create("chat", "gpt")


def test_a_misspelt_option_names_the_right_ones() -> None:
    with pytest.raises(InvalidRequest, match=r"options are: .*threads") as caught:
        create("speech", "piper", {"models": ["x"], "theads": 2})
    assert caught.value.param == "options.theads"


def test_a_missing_option_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        create("chat", "llama_cpp")
    assert caught.value.param == "options.model"


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN["chat"], "absent", Registration("nowhere:Nothing", "no_such_package", "absent"))
    with pytest.raises(ModelMissing, match=r"pip install 'ai-secretary\[absent\]'") as caught:
        create("chat", "absent")
    assert caught.value.remedy == "pip install 'ai-secretary[absent]'"


@pytest.mark.parametrize("kind", KINDS)
def test_every_extra_that_is_advised_exists(kind: registry.Kind) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for name, registration in BUILT_IN[kind].items():
        assert bool(registration.package) == bool(registration.extra), name
        assert not registration.extra or registration.extra in extras


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_is_described(kind: registry.Kind) -> None:
    for name in names(kind):
        model = find(kind, name).Options
        assert issubclass(model, EngineOptions)
        assert all(field.description for field in model.model_fields.values()), name
        assert model.model_config["frozen"]
        assert model.model_config["extra"] == "forbid"


def test_a_spec_reads_as_it_is_written_in_the_graph_file() -> None:
    spec = EngineSpec.model_validate({"engine": "echo", "options": {"delay_s": 0.1}})
    assert create("chat", spec.engine, spec.options).status().engine == "echo"
