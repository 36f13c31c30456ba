"""Benchmarks configure peers like the engines of the demo graph."""

from pathlib import Path

import pytest

from benchmarks import gateway, killed
from benchmarks.demo_options import llama_options, piper_options
from deployments.command.graph import read_graph


@pytest.mark.model
def test_peers_get_models_of_demo_graph() -> None:
    assert "smollm2" in str(llama_options().model).lower()
    assert [path.name for path in piper_options().models] == ["piper-en-us-joe-medium"]


def test_gateway_graph_has_replicas(tmp_path: Path) -> None:
    assert read_graph(gateway._graph(tmp_path, 2)).secretary_arguments().gateway.replicas == 2


def test_killed_graph_has_replicas(tmp_path: Path) -> None:
    assert read_graph(killed.scripted_graph(tmp_path, 2)).secretary_arguments().gateway.replicas == 2
