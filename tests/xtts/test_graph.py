"""XTTS and OpenVoice behind the doors of a running secretary: speech, phone, spoken answers, and the next engine when
one dies."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from deployments.text.spoken_text import clause_starts
from tests.fakes.voice_recordings import speech, write_m4a
from tests.serve.admin_client import AdminClient, settings_restored
from tests.serve.audio_checks import decode_audio
from tests.serve.pages import shell_blocks
from tests.serve.phone_client import connect_phone
from tests.serve.secretary_process import API_KEY, PASSWORD, SecretaryProcess, running_secretary, wait_until
from tests.serve.voice_consents import consent_to
from tests.xtts.conftest import TinyXtts
from tests.xtts.graph import CARD, write_graph
from tests.xtts.tiny_model import write_voice

_LOAD_TIMEOUT_S = 200


@pytest.fixture(scope="module")
def secretary(tiny: TinyXtts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretaryProcess]:
    data = tmp_path_factory.mktemp("secretary")
    graph = write_graph(data / "graph.yaml", tiny)
    variables = {**CARD, "SECRETARY_MODELS": str(tiny.voices.parent)}
    with running_secretary(data / "data", graph, "--no-pull", **variables) as running:
        wait_until(lambda: all(running.engine(name)["ready"] for name in ("voice", "converter")), _LOAD_TIMEOUT_S)
        consent_to(running, "gulya", "lidia", "vera")
        yield running


def say(secretary: SecretaryProcess, text: str, voice: str, **fields: object) -> bytes:
    body = {"model": "tts-1", "voice": voice, "input": text, "response_format": "pcm", **fields}
    with secretary.http() as http:
        return http.post("/v1/audio/speech", json=body).raise_for_status().content


def speaks(secretary: SecretaryProcess, text: str, voice: str) -> bool:
    try:
        return bool(say(secretary, text, voice))
    except httpx.HTTPStatusError:
        return False


def test_audio_speech_uses_the_cloned_voice(secretary: SecretaryProcess) -> None:
    with secretary.http() as http:
        listed = {voice["id"]: voice for voice in http.get("/v1/audio/voices").json()["voices"]}
    assert listed["lidia"]["name"] == "Лидия"
    heard = decode_audio(
        secretary.openai.audio.speech.create(
            model="tts-1", voice="lidia", input="Добрый день.", response_format="wav"
        ).content
    )
    assert (heard.rate, heard.codec) == (XTTS_RATE, "pcm_s16le")
    assert 1 < heard.seconds < 1.5
    assert heard.level > 0.001


def test_voice_of_several_engines_is_that_of_the_first(secretary: SecretaryProcess) -> None:
    with secretary.http() as http:
        voices = http.get("/v1/audio/voices").json()["voices"]
    engines = {voice["id"]: voice["engine"] for voice in voices}
    assert {name: engines[name] for name in ("gulya", "lidia", "vera")} == {
        "gulya": "xtts",
        "lidia": "xtts",
        "vera": "openvoice",
    }
    assert len([voice for voice in voices if voice["id"] == "gulya"]) == 1


def test_audio_speech_uses_the_converted_voice(secretary: SecretaryProcess) -> None:
    sounds = []
    for voice in ("vera", "espeak-uk"):
        reply = secretary.openai.audio.speech.create(
            model="tts-1", voice=voice, input="Добрий день, це Віра, ваша помічниця.", response_format="wav"
        )
        sounds.append(decode_audio(reply.content))
    converted, base = sounds
    assert (converted.rate, converted.codec) == (22_050, "pcm_s16le")
    assert converted.seconds == pytest.approx(base.seconds, abs=0.01)
    assert converted.level > 0.001


def test_phone_line_speaks_with_the_converted_voice(secretary: SecretaryProcess) -> None:
    with connect_phone(secretary) as line:
        line.send(type="speak", id="1", text="Добрий вечір, це Віра.", voice="vera", format="mulaw")
        line.receive_frames(20)
        assert line.receive_until("finished")["id"] == "1"


def test_presets_of_the_office_change_the_sound(secretary: SecretaryProcess) -> None:
    with AdminClient(secretary) as admin:
        sounds = [
            admin.http.post(
                "/tts/test", json={"text": "Хорошо.", "voice": "lidia", "preset": preset}
            ).raise_for_status()
            for preset in ("energetic", "calm")
        ]
    seconds = [decode_audio(sound.content).seconds for sound in sounds]
    assert seconds[1] / seconds[0] == pytest.approx(1.1 / 0.9, rel=0.05)


def test_phone_line_speaks(secretary: SecretaryProcess) -> None:
    with connect_phone(secretary) as line:
        line.send(type="speak", id="1", text="Добрый вечер.", voice="gulya", format="alaw")
        line.receive_frames(20)
        assert line.receive_until("finished")["id"] == "1"


def test_chat_answer_is_spoken(secretary: SecretaryProcess) -> None:
    stream = secretary.openai.chat.completions.create(
        model="local",
        messages=[{"role": "user", "content": "Скажи что-нибудь."}],
        modalities=["text", "audio"],
        audio={"voice": "lidia", "format": "pcm16"},
        stream=True,
    )
    sound = b""
    for chunk in stream:
        for choice in chunk.choices:
            if (audio := choice.delta.audio) and audio.data:
                sound += base64.b64decode(audio.data)
    assert len(sound) > 24_000 * 2


def test_uploaded_voice_speaks_without_a_restart(secretary: SecretaryProcess, tiny: TinyXtts) -> None:
    write_voice(tiny.voices.parent / "mine", pitch=180)
    (tiny.voices.parent / "mine").rename(tiny.voices / "mine")
    consent_to(secretary, "mine")
    with secretary.http() as http:
        wait_until(lambda: "mine" in http.get("/v1/audio/voices").text, timeout_s=20)
    assert say(secretary, "Это мой голос.", "mine")


def test_five_steps_of_the_page(secretary: SecretaryProcess, tmp_path: Path) -> None:
    """The commands of docs/voices.md that need a running secretary, as they are written there."""
    for name, seconds in (("consent", 3), ("sample", 8)):
        write_m4a(tmp_path / f"{name}.m4a", speech(seconds))
    script = "\n".join(block for block in shell_blocks("voices.md") if "127.0.0.1:8002" in block)
    assert [step in script for step in ("wording", "recording=@", "file=@", "/v1/audio/speech")] == [True] * 4
    variables = {**os.environ, "KEY": API_KEY, "PASSWORD": PASSWORD, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("http://127.0.0.1:8002", secretary.url)],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert decode_audio((tmp_path / "hello.mp3").read_bytes()).level > 0.001
    with AdminClient(secretary) as admin:
        assert admin.get("/voice") == {"engine": "xtts", "voice": "my-voice"}


def test_revoked_voice_is_refused_at_every_door(secretary: SecretaryProcess) -> None:
    consent = consent_to(secretary, "vera")
    assert speaks(secretary, "Это Вера.", "vera")
    with AdminClient(secretary) as admin:
        admin.post(f"/voices/consents/{consent}/revoke")
    wait_until(lambda: not speaks(secretary, "Это Вера.", "vera"), timeout_s=5)
    with pytest.raises(openai.PermissionDeniedError, match="was revoked on"):
        secretary.openai.chat.completions.create(
            model="local",
            messages=[{"role": "user", "content": "Скажи что-нибудь."}],
            modalities=["text", "audio"],
            audio={"voice": "vera", "format": "wav"},
        )
    with connect_phone(secretary) as line:
        line.send(type="speak", id="1", text="Это Вера.", voice="vera", format="alaw")
        assert line.receive_until("error")["code"] == "voice_consent_missing"
    consent_to(secretary, "vera")


GREETING = "Здравствуйте, это регистратура."
HOURS = (
    "Да, мы работаем с понедельника по субботу, с девяти утра до шести вечера, и врачи принимают по записи, "
    "поэтому приходите, пожалуйста, за десять минут до начала приёма, возьмите с собой паспорт, полис, и терпение."
)
GOODBYE = "Ждём вас."
XTTS_RATE = 24_000
SLOWLY = 0.5
"""A sentence then outlasts the four seconds that a voice may be ahead of its line."""


def test_killed_replica_another_engine_says_the_rest(secretary: SecretaryProcess) -> None:
    """OpenVoice, in another process, goes on from a clause in the middle of the sentence; then XTTS is back."""
    with AdminClient(secretary) as admin, settings_restored(admin, "speech"):
        change = {"settings": {"speech": {"rescue_lead_s": 0}}, "revision": admin.get("/settings")["revision"]}
        admin.http.patch("/settings", json=change).raise_for_status()  # on a slow machine XTTS may be late
        with connect_phone(secretary) as line:
            text = f"{GREETING} {HOURS} {GOODBYE}"
            line.send(type="speak", id="1", text=text, voice="lidia", format="alaw", speed=SLOWLY)
            line.receive_until("mark")
            sentence = line.receive_until("mark")
            line.receive_frames(45)
            replica = secretary.replica_process("voice")
            replica.kill()
            *events, finished = line.receive_messages("finished")
    takeover, *_ = (event for event in events if event["type"] == "voice")
    rest, *others = (event for event in events if event["type"] == "mark")
    assert (sentence["text"], [mark["text"] for mark in others]) == (HOURS, [GOODBYE])
    assert (takeover["substitute"], takeover["engine"], takeover["reason"]) == (True, "openvoice", "engine_failed")
    assert sentence["frame"] < takeover["frame"] == rest["frame"] < others[0]["frame"] < finished["frames"]
    assert rest["text"] in [HOURS[start:] for start in clause_starts(HOURS)[1:]]
    wait_until(lambda: secretary.has_replica("voice", replica.pid), _LOAD_TIMEOUT_S)
    wait_until(lambda: rate_of(secretary, "Снова здесь.", "lidia") == XTTS_RATE, _LOAD_TIMEOUT_S)


def rate_of(secretary: SecretaryProcess, text: str, voice: str) -> int:
    return decode_audio(say(secretary, text, voice, response_format="wav")).rate


def test_next_engine_speaks_when_samples_are_unusable(secretary: SecretaryProcess, tiny: TinyXtts) -> None:
    """A voice whose samples cannot be read: espeak-ng says the sentence."""
    folder = write_voice(tiny.voices.parent / "broken")
    (folder / "sample-0.wav").write_bytes(json.dumps({"no": "sound"}).encode())
    folder.rename(tiny.voices / "broken")
    consent_to(secretary, "broken")
    with secretary.http() as http:
        wait_until(lambda: "broken" in http.get("/v1/audio/voices").text, timeout_s=20)
    assert say(secretary, "Говорит другой голос.", "broken")
