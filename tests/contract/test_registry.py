"""Engines by name: what is known, what is refused, and how it is said."""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.contracts.errors import EngineFailed, InvalidRequest, ModelMissing, NotFound
from deployments.engines import registry
from deployments.engines.options import EngineOptions
from deployments.engines.registry import (
    BUILT_IN_ENGINES,
    ENGINE_KINDS,
    EngineRegistration,
    EngineSpec,
    build_engine,
    check_engine_options,
    engine_names,
    find_engine_class,
)
from tests.architecture.source_files import ROOT


def test_an_unknown_engine_lists_the_known_ones() -> None:
    with pytest.raises(NotFound, match="unknown chat engine 'gpt'; known: echo, llama_cpp"):
        build_engine("chat", "gpt")


def test_a_misspelt_option_names_the_right_ones() -> None:
    with pytest.raises(InvalidRequest, match=r"options are: .*threads") as caught:
        build_engine("speech", "piper", {"models": ["x"], "theads": 2})
    assert caught.value.param == "options.theads"


def test_a_missing_option_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        build_engine("chat", "llama_cpp")
    assert caught.value.param == "options.model"


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        BUILT_IN_ENGINES["chat"], "absent", EngineRegistration("nowhere:Nothing", "no_such_package", "absent")
    )
    with pytest.raises(ModelMissing, match=r"pip install 'ai-secretary\[absent\]'") as caught:
        build_engine("chat", "absent")
    assert caught.value.remedy == "pip install 'ai-secretary[absent]'"


@pytest.mark.parametrize("kind", ENGINE_KINDS)
def test_every_extra_that_is_advised_exists(kind: registry.EngineKind) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for name, registration in BUILT_IN_ENGINES[kind].items():
        assert bool(registration.package) == bool(registration.extra), name
        assert not registration.extra or registration.extra in extras


@pytest.mark.parametrize("kind", ENGINE_KINDS)
def test_every_option_is_described(kind: registry.EngineKind) -> None:
    for name in engine_names(kind):
        model = find_engine_class(kind, name).Options
        assert issubclass(model, EngineOptions)
        assert all(field.description for field in model.model_fields.values()), name
        assert model.model_config["frozen"]
        assert model.model_config["extra"] == "forbid"


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The module of an installed package that offers the chat engine "strange"."""
    info = tmp_path / "strange-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.ENTRY_POINT_GROUP}]\nchat.strange = strange:Strange\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._third_party.cache_clear()
    yield tmp_path / "strange.py"
    registry._third_party.cache_clear()
    sys.modules.pop("strange", None)


def test_a_strangers_options_are_looked_at_only_when_its_module_may_be_imported(stranger: Path) -> None:
    stranger.write_text("from deployments.engines.chat.echo import EchoEngine as Strange")
    wrong = EngineSpec(engine="strange", options={"no": 1})
    check_engine_options("chat", wrong)
    assert "strange" not in sys.modules
    with pytest.raises(InvalidRequest, match=r"engine strange: options\.no"):
        check_engine_options("chat", wrong, third_party=True)
    check_engine_options("chat", EngineSpec(engine="strange"), third_party=True)


def test_a_strangers_module_that_does_not_import_is_an_error_of_ours(stranger: Path) -> None:
    stranger.write_text("import no_such_library")
    with pytest.raises(EngineFailed, match="cannot be imported from strange:Strange: No module named 'no_such_li"):
        check_engine_options("chat", EngineSpec(engine="strange"), third_party=True)


def test_options_are_checked_also_where_the_package_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = EngineRegistration(BUILT_IN_ENGINES["chat"]["echo"].path, "no_such_package", "absent")
    monkeypatch.setitem(BUILT_IN_ENGINES["chat"], "absent", absent)
    with pytest.raises(InvalidRequest, match=r"options\.no"):
        check_engine_options("chat", EngineSpec(engine="absent", options={"no": 1}))


def test_a_spec_reads_as_it_is_written_in_the_graph_file() -> None:
    spec = EngineSpec.model_validate({"engine": "echo", "options": {"delay_s": 0.1}})
    assert build_engine("chat", spec.engine, spec.options).status().engine == "echo"
