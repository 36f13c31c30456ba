"""The code blocks of the README run against the running secretary."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.serve.audio_checks import decode_audio, words
from tests.serve.secretary_process import API_KEY, PASSWORD, ROOT, SecretaryProcess

pytestmark = pytest.mark.model

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8002"
TIMEOUT_S = 180


def block(language: str, about: str) -> str:
    """The only block of the README in ``language`` that mentions ``about``."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (found,) = (code for name, code in BLOCK.findall(text) if name == language and about in code)
    return str(found)


@pytest.fixture
def run(demo: SecretaryProcess, tmp_path: Path):
    """Runs the code of a block in an empty folder, with the address and the key of the running secretary."""
    environment = os.environ | {
        "KEY": API_KEY,
        "PASSWORD": PASSWORD,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "NO_PROXY": "127.0.0.1",
    }

    def run_block(code: str, *command: str) -> str:
        assert ADDRESS in code
        code = re.sub(r"^export (KEY|PASSWORD)=.*$", "", code.replace(ADDRESS, demo.url), flags=re.MULTILINE)
        done = subprocess.run(
            [*command, code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S
        )
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run_block


def bash(run, code: str) -> str:
    return run(code, "bash", "-euo", "pipefail", "-c")


def test_readme_questions_are_answered_aloud(run, tmp_path: Path) -> None:
    english, russian, fallback = bash(run, block("bash", "/v1/chat/completions")).splitlines()
    assert "secretary" in words(english)
    assert "секретарь" in words(russian)
    assert "извините" in words(fallback)
    for name in ("answer.wav", "who.ru.wav", "tale.ru.wav"):
        sound = decode_audio((tmp_path / name).read_bytes())
        assert sound.codec == "pcm_s16le"
        assert sound.seconds > 1
        assert sound.level > 0.01


def test_readme_program_streams_text_and_audio(run, tmp_path: Path) -> None:
    said = run(block("python", "OpenAI("), sys.executable, "-c")
    samples = np.frombuffer((tmp_path / "answer.pcm").read_bytes(), "<i2")
    assert len(words(said)) > 3
    assert len(samples) > 24_000
    assert np.abs(samples).max() > 1000


def test_readme_speech_is_transcribed(run, tmp_path: Path) -> None:
    written = json.loads(bash(run, block("bash", "/v1/audio/speech")))
    sound = decode_audio((tmp_path / "hello.mp3").read_bytes())
    assert sound.codec.startswith("mp3")
    assert 1 < sound.seconds < 6
    assert {"good", "morning", "help"} <= set(words(written["text"]))


def test_readme_admin_api_adds_answer(run, demo: SecretaryProcess) -> None:
    said = bash(run, block("bash", "/admin/auth/login"))
    assert '"We do, on Tuesdays."' in said
    assert '"default_language"' in said
    question = [{"role": "user", "content": "do you repair music boxes"}]
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        reply = demo.openai.chat.completions.create(model="secretary", messages=question)
        if reply.choices[0].message.content == "We do, on Tuesdays.":
            return
        time.sleep(0.2)
    raise AssertionError("the new answer did not reach the gateway")
