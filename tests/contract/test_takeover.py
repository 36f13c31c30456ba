"""A speech process that dies or hangs in the middle of a text: the next engine says the rest."""

import os
import signal
from pathlib import Path

import pytest

from deployments.contracts.audio import SpeechChunk
from deployments.contracts.speech import SpeechRequest
from deployments.contracts.streams import Closing
from deployments.engines.registry import EngineSpec
from deployments.text.spoken_text import clause_starts
from deployments.voice import SpeechSynthesis
from tests.waiting import wait_until

TEXT = " ".join(f"this is clause number {number}," for number in range(150)) + " and the last one."


@pytest.mark.parametrize(
    ("death", "reason"), [(signal.SIGKILL, "no_sound"), (signal.SIGSTOP, "engine_timeout")], ids=["killed", "hung"]
)
async def test_rest_of_a_text_whose_process_dies(death: signal.Signals, reason: str) -> None:
    specs = (EngineSpec(engine="espeak"), EngineSpec(engine="tone", options={"languages": ["en"], "rate": 8000}))
    synthesis = SpeechSynthesis("voice", specs, Path("models"), engine_timeout_s=0.3)
    await synthesis.start()
    await wait_until(lambda: synthesis.ready(), timeout_s=20)
    chunks: list[SpeechChunk] = []
    async with Closing(synthesis.synthesize(SpeechRequest(TEXT, "espeak-en-us", "en"))) as stream:
        async for chunk in stream:
            if len(chunks) == 20:  # four seconds: in the third clause
                for pid in synthesis._hosts[0].loaded_engine._workers.pids:  # type: ignore[union-attr]
                    os.kill(pid, death)
            chunks.append(chunk)
    await synthesis.stop()
    own = [chunk for chunk in chunks if not chunk.substitute]
    rest = next(chunk for chunk in chunks if chunk.substitute)
    assert rest.substitution is not None
    assert (rest.substitution.engine, rest.substitution.reason) == ("tone", reason)
    assert TEXT.endswith(rest.text)
    start = len(TEXT) - len(rest.text)
    assert start in clause_starts(TEXT)
    spoken = (own[-1].spoken or 0) * len(TEXT)
    assert 0 <= spoken - start <= len("this is clause number 100, ")
    assert start > 0
    assert (chunks[-1].spoken, len(own) > 20) == (1.0, True)
