"""What engines need, where they are placed, and which setting is named when they do not fit."""

from pathlib import Path

import pytest
from pydantic import JsonValue

from deployments.contracts.errors import InvalidRequest
from deployments.gpu_memory.cards import Card, parse_card
from deployments.gpu_memory.engine_need import XTTS_BYTES, deployment_need, engine_need
from deployments.gpu_memory.fit import MARGIN_BYTES, FitReport, check_fit, check_one
from deployments.gpu_memory.memory_need import CUDA_CONTEXT_BYTES, GIB, MIB, MemoryNeed
from deployments.gpu_memory.placement import GpuDeployment
from deployments.models.store import ModelStore
from tests.unit.gpu_memory.weight_files import gguf, model_folder

QWEN: dict[str, JsonValue] = {
    "model": "model://qwen2.5-7b-instruct-awq",
    "quantization": "awq",
    "max_model_len": 4096,
    "max_num_seqs": 32,
    "enforce_eager": True,
}
KV_PER_TOKEN = 28 * 4 * 2 * 128 * 2


def vllm(tmp_path: Path, **options: JsonValue) -> MemoryNeed:
    return engine_need("chat", "vllm", {**QWEN, **options}, "chat", ModelStore(tmp_path))


def xtts(tmp_path: Path) -> MemoryNeed:
    return engine_need("voice", "xtts", {}, "voices.0", ModelStore(tmp_path))


def card(size_gib: float, card_id: str = "0") -> Card:
    return Card(card_id, "test", int(size_gib * GIB), int(size_gib * GIB))


def report(tmp_path: Path, size_gib: float, **options: JsonValue) -> FitReport:
    deployments = GpuDeployment(vllm(tmp_path, **options), 0.5), GpuDeployment(xtts(tmp_path), 0.4)
    return check_fit(deployments, [card(size_gib)])


def remedy_value(report: FitReport, setting: str) -> int:
    (problem,) = report.problems
    assert setting in problem.remedy
    return int(problem.remedy.partition(f"{setting} to ")[2].split()[0])


def test_vllm_and_voice_fit_on_12_gb(tmp_path: Path) -> None:
    found = report(tmp_path, 12, kv_cache_memory_bytes=GIB)
    assert found.problems == ()
    assert found.loads[0].total == vllm(tmp_path, kv_cache_memory_bytes=GIB).total + XTTS_BYTES


def test_share_of_card_is_replaced_by_explicit_kv_cache(tmp_path: Path) -> None:
    """The default of vLLM takes 0.92 of the card and leaves the voice nothing."""
    size = remedy_value(report(tmp_path, 12), "chat.options.kv_cache_memory_bytes")
    assert 4096 * KV_PER_TOKEN <= size <= 2 * GIB
    assert report(tmp_path, 12, kv_cache_memory_bytes=size).problems == ()


@pytest.mark.parametrize("card_gib", [10.9, 11.2, 11.6])
def test_named_kv_cache_fits(tmp_path: Path, card_gib: float) -> None:
    size = remedy_value(report(tmp_path, card_gib, kv_cache_memory_bytes=4 * GIB), "kv_cache_memory_bytes")
    assert report(tmp_path, card_gib, kv_cache_memory_bytes=size).problems == ()


def test_small_kv_cache_is_refused_although_there_is_room(tmp_path: Path) -> None:
    found = report(tmp_path, 24, kv_cache_memory_bytes=10 * MIB)
    assert remedy_value(found, "kv_cache_memory_bytes") >= 4096 * KV_PER_TOKEN


def test_shorter_conversations_are_offered_before_a_smaller_model(tmp_path: Path) -> None:
    found = report(tmp_path, 10.8, kv_cache_memory_bytes=3 * GIB, max_model_len=32768)
    tokens = remedy_value(found, "max_model_len")
    size = int(found.problems[0].remedy.rpartition(" ")[2])
    assert report(tmp_path, 10.8, kv_cache_memory_bytes=size, max_model_len=tokens).problems == ()


def test_eager_mode_is_offered(tmp_path: Path) -> None:
    found = report(tmp_path, 11.2, kv_cache_memory_bytes=GIB // 4, enforce_eager=False)
    assert "chat.options.enforce_eager to true" in found.problems[0].remedy


def test_hopeless_card_names_the_model(tmp_path: Path) -> None:
    (problem,) = report(tmp_path, 6, kv_cache_memory_bytes=GIB).problems
    assert "chat.options.model" in problem.remedy
    assert "lacking" in problem.message


def test_share_too_small_for_weights_is_refused(tmp_path: Path) -> None:
    found = check_fit([GpuDeployment(vllm(tmp_path, gpu_memory_utilization=0.3), 0.5)], [card(12)])
    assert "0.3 of the card" in found.problems[0].message


@pytest.mark.parametrize(
    ("config", "dtype", "weights"),
    [
        ({}, "auto", 100 + 2 * 50 // 2 + 8),
        ({}, "float32", 200 + 100 + 8),
        ({"quantization_config": {"quant_method": "awq"}}, "auto", 100 + 100 + 8),
    ],
)
def test_vllm_weights_follow_dtype_and_quantisation(
    tmp_path: Path, config: dict[str, object], dtype: str, weights: int
) -> None:
    folder = model_folder(tmp_path / "m", {"half": ("F16", 100), "full": ("F32", 100), "ints": ("I32", 8)}, **config)
    assert vllm(tmp_path, model=str(folder), dtype=dtype, quantization=None).weights == weights


def test_vllm_counts_adapters_and_divides_by_cards(tmp_path: Path) -> None:
    one, two = vllm(tmp_path, adapters={"a": "x"}), vllm(tmp_path, adapters={"a": "x", "b": "y"})
    assert 0 < one.adapters < two.adapters == 2 * one.adapters
    split = vllm(tmp_path, tensor_parallel_size=2)
    assert split.weights == vllm(tmp_path).weights // 2
    assert split.kv is not None
    assert split.kv.per_token == KV_PER_TOKEN // 2


def test_llama_needs_only_layers_on_the_card(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf(layers=4, layer_bytes=10 * MIB))

    def need(**options: JsonValue) -> MemoryNeed:
        options = {"model": str(path), "context": 256, "slots": 2, **options}
        return engine_need("chat", "llama_cpp", options, "chat", ModelStore(tmp_path))

    assert need(gpu_layers=0).total == 0
    assert need(gpu_layers=1).weights == 10 * MIB
    assert need(gpu_layers=-1).weights == 40 * MIB + 2_048
    assert need(gpu_layers=-1, embeddings=True).weights == 2 * (40 * MIB + 2_048)
    assert need(gpu_layers=-1).kv_cache == 2 * 256 * 4 * 2 * (8 + 8) * 2
    whole = need(gpu_layers=-1)
    room = Card("0", "test", 2 * GIB, whole.total + MARGIN_BYTES - 15 * MIB)
    problem = check_one(whole, room)
    assert problem is not None
    assert problem.remedy == "set chat.options.gpu_layers to 2"
    assert check_one(need(gpu_layers=2), room) is None


@pytest.mark.parametrize(
    ("engine", "options", "text"),
    [
        ("own", {}, "engine own is not known"),
        ("vllm", {"model": "model://nobody"}, "model://nobody is not on this machine"),
        ("vllm", {**QWEN, "max_num_seqs": 0}, "options.max_num_seqs"),
        ("llama_cpp", {"model": "broken.gguf", "gpu_layers": -1}, "broken.gguf"),
    ],
)
def test_unknown_need_asks_for_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, options: dict[str, JsonValue], text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.gguf").write_bytes(b"GGUF")
    need = engine_need("chat", engine, options, "chat", ModelStore(tmp_path))
    (problem,) = check_fit([GpuDeployment(need, 1)], [card(24)]).problems
    assert text in problem.message
    assert "chat.gpu_memory_gb" in problem.remedy
    stated = deployment_need([need], 3.0)
    assert (stated.total, check_fit([GpuDeployment(stated, 1)], [card(24)]).problems) == (3 * GIB, ())


def test_engines_of_one_process_share_a_context(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    both = deployment_need([xtts(tmp_path), engine_need("voice", "piper", {}, "voices.0", store)])
    assert (both.total, both.context) == (XTTS_BYTES, CUDA_CONTEXT_BYTES)


def test_replicas_are_placed_by_their_share(tmp_path: Path) -> None:
    big, small = GpuDeployment(xtts(tmp_path), 0.6), GpuDeployment(xtts(tmp_path), 0.4)
    one = check_fit([big, small], [card(12)])
    assert one.problems == ()
    (problem,) = check_fit([big, small, GpuDeployment(xtts(tmp_path), 0.2)], [card(24)]).problems
    assert "num_gpus 0.2" in problem.message
    two = check_fit([GpuDeployment(xtts(tmp_path), 0.6, replicas=2)], [card(12), card(12, "1")])
    assert [len(load.needs) for load in two.loads] == [1, 1]
    whole = check_fit([GpuDeployment(xtts(tmp_path), 2.0)], [card(12), card(12, "1")])
    assert (whole.problems, [len(load.needs) for load in whole.loads]) == ((), [1, 1])


@pytest.mark.parametrize(("text", "gib"), [("12GB", 12), ("24", 24), ("7.5 g", 7.5), ("8gib", 8)])
def test_card_sizes(text: str, gib: float) -> None:
    assert parse_card(text).total == gib * GIB


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "0", "12MB", "1e9", "99999GB", "١٢"])
def test_wrong_card_sizes(text: str) -> None:
    with pytest.raises(InvalidRequest, match="12GB"):
        parse_card(text)
