"""Clients that go away, engines that die, models that are missing: in HAProxy mode and in Serve's default mode."""

import time

import httpx
import openai
import pytest

from tests.serve.running import Secretary

LONG = " ".join(f"here comes word number {n} of many," for n in range(100))


def until(what: object, seconds: float) -> float:
    """Waits until ``what()`` holds; returns how long it took."""
    started = time.monotonic()
    while not what():  # type: ignore[operator]
        assert time.monotonic() - started < seconds, "it did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - started


def live(secretary: Secretary, kind: str) -> float:
    return secretary.metric("secretary_live_streams", kind=kind)


@pytest.mark.parametrize("spoken", [False, True])
def test_a_client_that_goes_away_stops_model_and_voice(scripted: Secretary, spoken: bool) -> None:
    extra = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}} if spoken else {}
    stream = scripted.openai.chat.completions.create(
        model="local", messages=[{"role": "user", "content": LONG}], stream=True, max_tokens=600, **extra
    )
    for _ in zip(range(5), stream, strict=False):
        pass
    assert live(scripted, "llm") == 1
    stream.close()
    until(lambda: live(scripted, "llm") == live(scripted, "tts") == 0, seconds=2)


def test_a_client_that_stops_listening_to_speech_stops_the_voice(scripted: Secretary) -> None:
    unheard = " ".join(f"nobody has heard sentence {n} before." for n in range(80))
    body = {"model": "tts-1", "voice": "alloy", "input": unheard, "response_format": "pcm"}
    with scripted.http().stream("POST", "/v1/audio/speech", json=body) as reply:
        assert reply.status_code == httpx.codes.OK
        pieces = reply.iter_raw()  # held: a dropped iterator closes the connection
        next(pieces)
        until(lambda: live(scripted, "tts") == 1, seconds=10)  # between two sentences there is none for a moment
    until(lambda: live(scripted, "tts") == 0, seconds=2)


def test_an_engine_that_is_killed_gives_an_error_event_and_comes_back(scripted: Secretary) -> None:
    stream = scripted.openai.chat.completions.create(
        model="local", messages=[{"role": "user", "content": LONG}], stream=True, max_tokens=600
    )
    next(stream)
    scripted.replica("chat").kill()
    with pytest.raises(openai.APIError) as caught:
        for _ in stream:
            pass
    assert caught.value.code == "engine_failed"
    assert live(scripted, "llm") == 0

    def answers() -> bool:
        try:
            reply = scripted.openai.chat.completions.create(
                model="local", messages=[{"role": "user", "content": "purple zebra crossing"}]
            )
        except openai.InternalServerError:
            return False
        return reply.choices[0].message.content.strip() == "purple zebra crossing"

    until(answers, seconds=30)


def test_a_missing_model_is_a_degraded_engine_with_its_remedy(scripted: Secretary) -> None:
    engines = httpx.get(f"{scripted.url}/ready", headers=scripted.headers).json()["engines"]
    piper = next(engine for engine in engines if engine["engine"] == "piper")
    assert not piper["ready"]
    assert piper["remedy"] == "secretary models pull piper-ru-irina-medium"
    assert httpx.get(f"{scripted.url}/ready").json() == {"ready": True}


def test_a_doors_restart_keeps_answers_coming_from_the_newest_snapshot(scripted: Secretary) -> None:
    scripted.replica("gateway").kill()

    def answers() -> bool:
        try:
            return httpx.get(f"{scripted.url}/ready", timeout=2).json().get("ready") is True
        except (httpx.HTTPError, ValueError):
            return False

    time.sleep(1)
    until(answers, seconds=60)
    assert scripted.openai.models.list().data


def test_the_doors_answer_while_the_office_is_away(scripted: Secretary) -> None:
    scripted.replica("office").kill()
    for _ in range(5):
        reply = scripted.openai.chat.completions.create(
            model="secretary", messages=[{"role": "user", "content": "Спасибо"}]
        )
        assert reply.model_extra["secretary"]["answered_by"].startswith("faq")
        time.sleep(0.2)
