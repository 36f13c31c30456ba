"""Every stored setting changes behaviour, and every field of the settings page is described."""

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from deployments.command.settings_reference import settings_reference
from deployments.contracts.settings import Settings
from storage.environment import Environment
from tests.architecture.setting_probes import PROBES, Probe
from tests.architecture.source_files import ROOT


def paths(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """The dotted path of every field."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from paths(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def settings_with(path: str, value: object) -> Settings:
    group, _, name = path.rpartition(".")
    fields = Settings().model_dump()
    (fields[group] if group else fields)[name] = value
    return Settings.model_validate(fields)


def test_every_setting_has_a_probe() -> None:
    assert set(paths(Settings)) == set(PROBES), "add the field to PROBES in tests/architecture/setting_probes.py"


@pytest.mark.parametrize(
    ("path", "probe"), [(path, probe) for path, (_, *probes) in PROBES.items() for probe in probes]
)
async def test_setting_changes_behaviour(path: str, probe: Probe) -> None:
    value, settings = PROBES[path][0], settings_with(path, PROBES[path][0])
    assert settings != Settings(), "the probe's value is the default"
    assert await probe(settings) != await probe(Settings()), f"{path} = {value!r} changes nothing"


def test_settings_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_reference(), "run: python -m deployments.command.settings_reference > docs/settings.md"


def test_every_setting_and_variable_has_a_description() -> None:
    groups = [field.annotation for field in Settings.model_fields.values() if hasattr(field.annotation, "model_fields")]
    plain = {name: field for name, field in Settings.model_fields.items() if field.annotation not in groups}
    fields = [plain, *(model.model_fields for model in (Environment, *groups))]
    assert [name for group in fields for name, field in group.items() if not field.description] == []
