"""What the engine vllm reads from the output of vLLM. The lines are those of vLLM 0.32.0."""

import os

import pytest

from deployments.engines.chat.vllm_output import ProcessOutput, failure_in, progress_of
from tests.waiting import wait_until

_PREFIX = "(EngineCore pid=26173) ERROR 11-30 00:03:53 [core.py:1510] "


@pytest.mark.parametrize(
    ("line", "phase"),
    [
        (
            "(Worker pid=1) INFO 11-30 [model_runner.py:68] Starting to load model /m/tiny...",
            "loading weights",
        ),
        (
            "Loading safetensors checkpoint shards:  45% Completed | 1/2 [00:00<00:00]",
            "loading weights 45 %",
        ),
        ("(Worker pid=1) INFO 11-30 01 [default_loader.py:501] Loading weights took 0.06 seconds", "warming up"),
        ("Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  30%|███       | 3/10", "warming up 30 %"),
        ("(Worker pid=1) INFO 11-30 04 [punica_selector.py:20] Using PunicaWrapperCPU.", ""),
    ],
)
def test_vllm_line_gives_the_phase(line: str, phase: str) -> None:
    assert progress_of(line) == phase


def test_vllm_reason_is_the_error_of_the_engine_core() -> None:
    lines = [
        f"{_PREFIX}EngineCore failed to start.",
        f"{_PREFIX}Traceback (most recent call last):",
        f"{_PREFIX}torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
        "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}",
    ]
    assert failure_in(lines) == "OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."
    assert failure_in(["nothing"]) == ""


async def test_vllm_output_of_the_process_is_read_and_restored() -> None:
    seen: list[str] = []
    before = [os.fstat(descriptor).st_ino for descriptor in (1, 2)]
    with ProcessOutput(seen.append).captured():
        os.write(2, b"shards: 1%\rshards: 2%\nlast\n")
    await wait_until(lambda: len(seen) == 3)
    assert seen == ["shards: 1%", "shards: 2%", "last"]
    assert [os.fstat(descriptor).st_ino for descriptor in (1, 2)] == before
