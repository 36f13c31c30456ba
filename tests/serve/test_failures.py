"""Clients that go away, engines that die, models that are missing: in HAProxy mode and in Serve's default mode."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.serve.breaking import CASES, LONG, Case, slowly, unheard
from tests.serve.lines import line
from tests.serve.office import Office
from tests.serve.running import STEP_S, Secretary, until

_GONE_WITHIN_S = 1.0
_REPORTS_EVERY_S = 1.0
"""How often a replica tells the office what it works on."""


@pytest.fixture
def office(scripted: Secretary) -> Iterator[Office]:
    with Office(scripted) as opened:
        yield opened


def live(secretary: Secretary, kind: str) -> float:
    """Streams that the doors hold open."""
    return secretary.metric("secretary_live_streams", kind=kind)


def ongoing(office: Office, service: str) -> int:
    """Answers that the engines themselves work on, in their own processes."""
    return sum(replica["ongoing"] or 0 for replica in office.get("/services/status")["services"][service]["replicas"])


def works(office: Office, service: str) -> None:
    """Waits until the engine has told that it works, so that its silence afterwards means something."""
    until(lambda: ongoing(office, service) == 1, seconds=10)


def stops(office: Office, *services: str) -> None:
    """Nobody listens any more: the doors let go within a second, and so do the engines, as their next report tells."""
    secretary = office.secretary
    took = until(lambda: live(secretary, "llm") == live(secretary, "tts") == 0, seconds=_GONE_WITHIN_S + STEP_S)
    left = _GONE_WITHIN_S + _REPORTS_EVERY_S + STEP_S - took
    until(lambda: all(ongoing(office, service) == 0 for service in services), seconds=left)


@pytest.mark.parametrize("spoken", [False, True])
def test_a_client_that_goes_away_stops_model_and_voice(scripted: Secretary, office: Office, spoken: bool) -> None:
    extra = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}} if spoken else {}
    stream = scripted.openai.chat.completions.create(
        model="local", messages=[{"role": "user", "content": LONG}], stream=True, max_tokens=600, **extra
    )
    for _ in zip(range(5), stream, strict=False):
        pass
    assert live(scripted, "llm") == 1
    works(office, "chat")
    stream.close()
    stops(office, "chat", "voice")


def test_a_client_that_stops_listening_to_speech_stops_the_voice(scripted: Secretary, office: Office) -> None:
    with scripted.http().stream("POST", "/v1/audio/speech", json=slowly(unheard())) as reply:
        assert reply.status_code == httpx.codes.OK
        pieces = reply.iter_raw()  # held: a dropped iterator closes the connection
        next(pieces)
        works(office, "voice")
        assert live(scripted, "tts") == 1
    stops(office, "voice")


def test_a_phone_line_that_is_closed_stops_the_voice(scripted: Secretary, office: Office) -> None:
    with line(scripted) as caller:
        caller.send(type="speak", text=unheard(), format="alaw", speed=0.25)
        caller.frames(5)
        works(office, "voice")
        assert live(scripted, "tts") == 1
        caller.hang_up()
        stops(office, "voice")


def test_a_caller_who_barges_in_is_told_that_the_voice_is_silent(scripted: Secretary, office: Office) -> None:
    with line(scripted) as caller:
        caller.send(type="speak", id="7", text=unheard(), format="alaw", speed=0.25)
        caller.frames(5)
        works(office, "voice")
        caller.send(type="cancel", id="7")
        assert caller.until("cancelled")["id"] == "7"
        stops(office, "voice")


def test_a_line_hears_a_hundred_frames_in_two_seconds(scripted: Secretary) -> None:
    with line(scripted) as caller:
        caller.send(type="speak", text=unheard(), format="alaw", speed=0.25)
        assert 1.8 <= caller.frames(100) <= 2.6


@pytest.mark.parametrize("scripted", ["fast"], indirect=True, scope="package")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_engine_that_is_killed_is_told_and_comes_back(scripted: Secretary, case: Case) -> None:
    """Engines are behind handles in both modes; the default one is tried with the model below."""
    comes_back(scripted, case)


@pytest.mark.parametrize("scripted", ["default"], indirect=True, scope="package")
def test_a_model_that_is_killed_is_told_and_comes_back_in_the_default_mode(scripted: Secretary) -> None:
    comes_back(scripted, CASES["chat"])


def comes_back(scripted: Secretary, case: Case) -> None:
    until(lambda: case.works(scripted), seconds=30)
    case.breaks(scripted, scripted.replica(case.victim).kill)
    assert live(scripted, "llm") == live(scripted, "tts") == live(scripted, "stt") == 0
    until(lambda: case.works(scripted), seconds=30)


def test_a_missing_model_is_a_degraded_engine_with_its_remedy(scripted: Secretary) -> None:
    engines = httpx.get(f"{scripted.url}/ready", headers=scripted.headers).json()["engines"]
    piper = next(engine for engine in engines if engine["engine"] == "piper")
    assert not piper["ready"]
    assert piper["remedy"] == "secretary models pull piper-ru-irina-medium"
    assert httpx.get(f"{scripted.url}/ready").json() == {"ready": True, "status": "degraded"}


def test_while_the_gateway_is_away_every_reply_is_an_answer_or_an_openai_error(scripted: Secretary) -> None:
    scripted.replica("gateway").kill()
    replies: list[httpx.Response] = []

    def answers() -> bool:
        body = {"model": "secretary", "messages": [{"role": "user", "content": "Спасибо"}]}
        try:
            replies.append(httpx.post(f"{scripted.url}/v1/chat/completions", json=body, headers=scripted.headers))
        except httpx.HTTPError:
            return False
        return len(replies) > 10 and all(reply.is_success for reply in replies[-10:])

    until(answers, seconds=90)
    refused = [reply for reply in replies if not reply.is_success]
    if scripted.runs("haproxy"):
        said = [(reply.status_code, reply.text) for reply in refused]
        assert all(status == httpx.codes.SERVICE_UNAVAILABLE and '"code":' in text for status, text in said), said
        assert all(int(reply.headers["retry-after"]) > 0 for reply in refused)
    assert scripted.openai.models.list().data


def test_the_doors_answer_while_the_office_is_away_until_it_is_back(scripted: Secretary) -> None:
    scripted.replica("office").kill()
    for _ in range(5):
        reply = scripted.openai.chat.completions.create(
            model="secretary", messages=[{"role": "user", "content": "Спасибо"}]
        )
        assert reply.model_extra["secretary"]["answered_by"].startswith("faq")
        time.sleep(0.2)
    until(lambda: httpx.get(f"{scripted.url}/admin/ui/login", timeout=60).is_success, seconds=90)
