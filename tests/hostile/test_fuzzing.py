"""Coverage-guided fuzzing: a minute each for texts, sound headers and schemas. No input may raise or take seconds."""

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_SECONDS = 60
_SEEDS = {
    "text": (b"12.5 kg for $3M, **now** [a](b) `c` 10:30", "½ кг за 5 ₽, ул. Ленина, д. 5".encode()),
    "sound": (b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + bytes(20), b"FORM\x00\x00\x00\x1eAIFFCOMM" + bytes(22)),
    "schema": (b'{"type":"object","properties":{"a":{"type":"string","pattern":"^(a|b){2,3}$"}}}',),
}


@pytest.mark.long
@pytest.mark.timeout(_SECONDS + 120)
@pytest.mark.parametrize("target", _SEEDS)
def test_fuzzer_finds_nothing_in_a_minute(target: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris has wheels for Linux on x86-64 only")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(_SEEDS[target]):
        (corpus / str(number)).write_bytes(seed)
    options = (f"-max_total_time={_SECONDS}", "-timeout=10", "-max_len=4096", f"-artifact_prefix={tmp_path}/")
    command = [sys.executable, "-m", "tests.hostile.fuzz_target", target, *options, str(corpus)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3_000:]
