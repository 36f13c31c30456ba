"""Benchmarks give their peers what the demo graph gives its engines, wherever in it that stands."""

from pathlib import Path

import pytest

from benchmarks import gateway
from benchmarks.demo_options import llama_options, piper_options
from deployments.command.graph import read_graph


@pytest.mark.model
def test_peers_get_the_models_of_the_demo() -> None:
    assert "smollm2" in str(llama_options().model).lower()
    assert [path.name for path in piper_options().models] == ["piper-en-us-joe-medium"]


def test_gateways_are_as_many_as_are_measured(tmp_path: Path) -> None:
    assert read_graph(gateway._graph(tmp_path, 2)).secretary_arguments().gateway.replicas == 2
