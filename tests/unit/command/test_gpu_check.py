"""``secretary check`` and ``secretary up`` compare the engines with the cards."""

import re
from pathlib import Path

import pytest
import yaml
from rich.console import Console

import serve_app
from deployments.arguments import SecretaryArgs
from deployments.command.gpu_table import check_gpus, parse_cards
from deployments.engines.registry import EngineSpec, check_engine_options
from deployments.models.catalogue import CatalogueModel, load_catalogue
from deployments.models.store import ModelStore
from tests.architecture.source_files import ROOT
from tests.unit.administration.switching_replica import install_gguf
from tests.unit.command.console_runner import RunSecretary
from tests.unit.gpu_memory.weight_files import gguf

MIB = 1 << 20


def gpu_graph_arguments() -> SecretaryArgs:
    graph = yaml.safe_load((ROOT / "graph.gpu.yaml").read_text())
    (args,) = [each["args"] for each in graph["applications"] if each["name"] == "secretary"]
    return SecretaryArgs.model_validate(args)


@pytest.mark.parametrize(("card", "fits"), [("12GB", True), ("24", True), ("6GB", False)])
def test_gpu_graph_on_cards(tmp_path: Path, card: str, fits: bool) -> None:
    console = Console(record=True, width=200, file=(tmp_path / "out").open("w"))
    assert check_gpus(gpu_graph_arguments(), ModelStore(tmp_path), console, parse_cards([card])) is fits
    text = console.export_text()
    assert re.search(r"chat: vllm\D+5\.20\D+1\.00\D+0\.39\D+0\.59\D+7\.17", text)
    assert "qwen2.5-7b-instruct-awq is not downloaded" in text
    assert ("it fits" in text, "are lacking; " in text) == (fits, not fits)


def test_gpu_graph_without_card_shows_needs(tmp_path: Path) -> None:
    console = Console(record=True, width=200, file=(tmp_path / "out").open("w"))
    assert check_gpus(gpu_graph_arguments(), ModelStore(tmp_path), console)
    assert "secretary check --card 12GB" in console.export_text()


@pytest.mark.parametrize(("card", "status"), [("12GB", 0), ("6GB", 1)])
def test_check_of_gpu_graph_without_card_or_vllm(run_secretary: RunSecretary, card: str, status: int) -> None:
    done = run_secretary("check", "--graph", str(ROOT / "graph.gpu.yaml"), "--card", card)
    assert (done.status, "chat: vllm" in done.output) == (status, True), done.output


def test_gpu_graph_builds_serve_application() -> None:
    assert serve_app.build_secretary(gpu_graph_arguments())


@pytest.mark.parametrize("model", [m for m in load_catalogue().models if m.start], ids=lambda model: model.id)
def test_start_flags_are_options_of_their_engine(model: CatalogueModel) -> None:
    assert model.start is not None
    options = {**model.start.options, "model": f"model://{model.id}"}
    check_engine_options("chat", EngineSpec(engine=model.start.engine, options=options))


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """llama.cpp with 60 MiB of layers on a card."""
    model = tmp_path / "m.gguf"
    model.write_bytes(gguf(layers=6, layer_bytes=10 * MIB))
    chat = {"engine": "llama_cpp", "options": {"model": str(model), "context": 256, "gpu_layers": -1}, "num_gpus": 0.5}
    application = {"name": "secretary", "route_prefix": "/", "import_path": "serve_app:build_secretary"}
    path = tmp_path / "graph.yaml"
    path.write_text(yaml.safe_dump({"applications": [{**application, "args": {"chats": [chat], "faq": None}}]}))
    return path


def test_check_command_exits_by_the_card(run_secretary: RunSecretary, graph: Path) -> None:
    fits = run_secretary("check", "--graph", str(graph), "--card", "2GB")
    assert (fits.status, "it fits" in fits.output) == (0, True), fits.output
    small = run_secretary("check", "--graph", str(graph), "--card", "1.2GB")
    assert small.status == 1
    assert "set chats.0.options.gpu_layers to " in small.output
    wrong = run_secretary("check", "--graph", str(graph), "--card", "big")
    assert (wrong.status, "write for example 12GB" in wrong.output) == (1, True)


def test_check_computes_the_switched_model(run_secretary: RunSecretary, graph: Path, tmp_path: Path) -> None:
    install_gguf(ModelStore(tmp_path / "data" / "models"), "larger", gguf(layers=6, layer_bytes=40 * MIB))
    remembered = tmp_path / "data" / "run" / "hosted-models" / "chat"
    remembered.parent.mkdir(parents=True)
    remembered.write_text("larger")
    options = ("check", "--graph", str(graph), "--card", "1.3GB")
    lacking = run_secretary(*options)
    assert (lacking.status, "chat was switched to larger, which it loads" in lacking.output) == (1, True), (
        lacking.output
    )
    remembered.write_text("deleted")
    fits = run_secretary(*options)
    assert (fits.status, "chat was switched to deleted and starts with" in fits.output) == (0, True), fits.output


def test_check_command_without_gpu_engines_prints_no_table(run_secretary: RunSecretary) -> None:
    done = run_secretary("check", "--graph", str(ROOT / "tests" / "serve" / "scripted_graph.yaml"), "--card", "12GB")
    assert (done.status, "GiB" in done.output) == (0, False)
