"""docs/add-an-engine.md: its program runs and its entry points are found."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```\w+ file=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the files of the tutorial."""
    page = (ROOT / "docs" / "add-an-engine.md").read_text()
    for name, text in _BLOCK.findall(page):
        (tmp_path / name).write_text(text)
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_tutorial_engines_pass_conformance(files: Path) -> None:
    assert run(files, "try_them.py") == "both engines pass\n"


def test_tutorial_entry_points_register_engines(files: Path) -> None:
    install(files)
    program = """
import asyncio, yaml
from deployments.engines.conformance import collect_text, make_turn
from deployments.engines.registry import EngineSpec, build_engine, engine_names

async def main():
    spec = EngineSpec.model_validate(yaml.safe_load(open("graph.yaml")))
    engine = build_engine("chat", spec.engine, spec.options)
    await engine.start()
    print(await collect_text(engine, make_turn("hi")), engine_names("chat")[-1], engine_names("speech")[-1])

asyncio.run(main())
"""
    assert run(files, "-c", program) == "HI!!!  shouting knocking\n"


def install(folder: Path) -> None:
    """Writes the metadata of an installed package."""
    groups = tomllib.loads((folder / "entry_points.toml").read_text())["project"]["entry-points"]
    info = folder / "tutorial-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tutorial\nVersion: 1.0\n")
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in entries.items()) for group, entries in groups.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))
