"""Every stored setting changes behaviour: a setting that nobody reads fails here, and so does one without a probe."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from deployments.contracts.settings import Settings
from tests.architecture.setting_probes import PROBES, Probe
from tests.architecture.source_files import ROOT


def paths(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Every field of ``model``, those of its groups with the name of the group."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from paths(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def changed(path: str, value: object) -> Settings:
    group, _, name = path.rpartition(".")
    fields = Settings().model_dump()
    (fields[group] if group else fields)[name] = value
    return Settings.model_validate(fields)


def test_every_setting_has_a_probe_and_every_probe_a_setting() -> None:
    assert set(paths(Settings)) == set(PROBES), "add the field to PROBES in tests/architecture/setting_probes.py"


@pytest.mark.parametrize(
    ("path", "probe"), [(path, probe) for path, (_, *probes) in PROBES.items() for probe in probes]
)
async def test_a_setting_changes_what_happens(path: str, probe: Probe) -> None:
    value, settings = PROBES[path][0], changed(path, PROBES[path][0])
    assert settings != Settings(), "the probe's value is the default"
    usual = await probe(Settings())
    assert await probe(Settings()) == usual, "the scene itself varies"
    assert await probe(settings) != usual, f"nobody notices {path} = {value!r}"


def test_doors_are_staffed_without_ray() -> None:
    """The probes build a door with the same functions as ``deployments.door_runtime`` and ``deployments.faq``."""
    code = "import sys, deployments.wiring, deployments.conversation.faq_answers; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
