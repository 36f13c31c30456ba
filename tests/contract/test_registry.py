"""The engine registry: names, options, optional packages and entry points."""

import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from deployments.contracts.commands import install_command
from deployments.contracts.errors import EngineFailed, InvalidRequest, ModelMissing, NotFound
from deployments.engines import registry
from deployments.engines.registry import (
    BUILT_IN_ENGINES,
    ENGINE_KINDS,
    EngineRegistration,
    EngineSpec,
    build_engine,
    check_engine_options,
)
from tests.architecture.source_files import ROOT


def test_unknown_engine_lists_the_known_names() -> None:
    with pytest.raises(NotFound, match="echo, llama_cpp"):
        build_engine("chat", "gpt")


@pytest.mark.parametrize(
    ("kind", "name", "options", "param"),
    [
        ("speech", "piper", {"models": ["x"], "theads": 2}, "options.theads"),
        ("chat", "llama_cpp", {}, "options.model"),
    ],
    ids=["unknown option", "missing option"],
)
def test_invalid_option_is_named(kind: str, name: str, options: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        build_engine(kind, name, options)
    assert caught.value.param == param


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = EngineRegistration("nowhere:Nothing", "no_such_package", "absent")
    monkeypatch.setitem(BUILT_IN_ENGINES["chat"], "absent", absent)
    with pytest.raises(ModelMissing) as caught:
        build_engine("chat", "absent")
    assert caught.value.remedy == install_command("absent")


@pytest.mark.parametrize("kind", ENGINE_KINDS)
def test_registered_extra_exists_in_pyproject(kind: registry.EngineKind) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for name, registration in BUILT_IN_ENGINES[kind].items():
        assert bool(registration.package) == bool(registration.extra), name
        assert not registration.extra or registration.extra in extras


@pytest.mark.parametrize("kind", ENGINE_KINDS)
def test_engine_options_are_strict(kind: registry.EngineKind) -> None:
    for registration in BUILT_IN_ENGINES[kind].values():  # also those whose package is absent
        module, _, attribute = registration.path.partition(":")
        options = getattr(import_module(module), attribute).Options
        assert options.model_config["frozen"]
        assert options.model_config["extra"] == "forbid"


def test_options_are_checked_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = EngineRegistration(BUILT_IN_ENGINES["chat"]["echo"].path, "no_such_package", "absent")
    monkeypatch.setitem(BUILT_IN_ENGINES["chat"], "absent", absent)
    with pytest.raises(InvalidRequest) as caught:
        check_engine_options("chat", EngineSpec(engine="absent", options={"no": 1}))
    assert caught.value.param == "options.no"


@pytest.fixture
def third_party_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The module of an installed package that registers the chat engine "strange"."""
    info = tmp_path / "strange-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.ENTRY_POINT_GROUP}]\nchat.strange = strange:Strange\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._third_party_engines.cache_clear()
    yield tmp_path / "strange.py"
    registry._third_party_engines.cache_clear()
    sys.modules.pop("strange", None)


def test_third_party_module_is_imported_on_request(third_party_module: Path) -> None:
    third_party_module.write_text("from deployments.engines.chat.echo import EchoEngine as Strange")
    wrong = EngineSpec(engine="strange", options={"no": 1})
    check_engine_options("chat", wrong)
    assert "strange" not in sys.modules
    with pytest.raises(InvalidRequest):
        check_engine_options("chat", wrong, third_party=True)
    check_engine_options("chat", EngineSpec(engine="strange"), third_party=True)


def test_third_party_import_error_is_engine_failed(third_party_module: Path) -> None:
    third_party_module.write_text("import no_such_library")
    with pytest.raises(EngineFailed, match="no_such_library"):
        check_engine_options("chat", EngineSpec(engine="strange"), third_party=True)
