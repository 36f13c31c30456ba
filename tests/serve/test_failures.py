"""Clients that go away, engines that die, models that are missing: in HAProxy mode and in Serve's default mode."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.serve.admin_client import AdminClient
from tests.serve.engine_failures import CASES, LONG_TEXT, EngineFailureCase, slow_speech_request, uncached_text
from tests.serve.phone_client import connect_phone
from tests.serve.secretary_process import POLL_INTERVAL_S, SecretaryProcess, wait_until

_GONE_WITHIN_S = 1.0
_REPORTS_EVERY_S = 1.0
"""How often a replica tells the office what it works on."""


@pytest.fixture
def office(scripted: SecretaryProcess) -> Iterator[AdminClient]:
    with AdminClient(scripted) as opened:
        yield opened


def live(secretary: SecretaryProcess, kind: str) -> float:
    """Streams that the doors hold open."""
    return secretary.metric("secretary_live_streams", kind=kind)


def ongoing(office: AdminClient, service: str) -> int:
    """Answers that the engines themselves work on, in their own processes."""
    return sum(replica["ongoing"] or 0 for replica in office.get("/services/status")["services"][service]["replicas"])


def works(office: AdminClient, service: str) -> None:
    """Waits until the engine has told that it works, so that its silence afterwards means something."""
    wait_until(lambda: ongoing(office, service) == 1, timeout_s=10)


def stops(office: AdminClient, *services: str) -> None:
    """Nobody listens any more: the doors let go within a second, and so do the engines, as their next report tells."""
    secretary = office.secretary
    took = wait_until(
        lambda: live(secretary, "llm") == live(secretary, "tts") == 0, timeout_s=_GONE_WITHIN_S + POLL_INTERVAL_S
    )
    left = _GONE_WITHIN_S + _REPORTS_EVERY_S + POLL_INTERVAL_S - took
    wait_until(lambda: all(ongoing(office, service) == 0 for service in services), timeout_s=left)


@pytest.mark.parametrize("spoken", [False, True])
def test_a_client_that_goes_away_stops_model_and_voice(
    scripted: SecretaryProcess, office: AdminClient, spoken: bool
) -> None:
    extra = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}} if spoken else {}
    stream = scripted.openai.chat.completions.create(
        model="local", messages=[{"role": "user", "content": LONG_TEXT}], stream=True, max_tokens=600, **extra
    )
    for _ in zip(range(5), stream, strict=False):
        pass
    assert live(scripted, "llm") == 1
    works(office, "chat")
    stream.close()
    stops(office, "chat", "voice")


def test_a_client_that_stops_listening_to_speech_stops_the_voice(
    scripted: SecretaryProcess, office: AdminClient
) -> None:
    with scripted.http().stream("POST", "/v1/audio/speech", json=slow_speech_request(uncached_text())) as reply:
        assert reply.status_code == httpx.codes.OK
        pieces = reply.iter_raw()  # held: a dropped iterator closes the connection
        next(pieces)
        works(office, "voice")
        assert live(scripted, "tts") == 1
    stops(office, "voice")


def test_a_phone_line_that_is_closed_stops_the_voice(scripted: SecretaryProcess, office: AdminClient) -> None:
    with connect_phone(scripted) as caller:
        caller.send(type="speak", text=uncached_text(), format="alaw", speed=0.25)
        caller.receive_frames(5)
        works(office, "voice")
        assert live(scripted, "tts") == 1
        caller.hang_up()
        stops(office, "voice")


def test_a_caller_who_barges_in_is_told_that_the_voice_is_silent(
    scripted: SecretaryProcess, office: AdminClient
) -> None:
    with connect_phone(scripted) as caller:
        caller.send(type="speak", id="7", text=uncached_text(), format="alaw", speed=0.25)
        caller.receive_frames(5)
        works(office, "voice")
        caller.send(type="cancel", id="7")
        assert caller.receive_until("cancelled")["id"] == "7"
        stops(office, "voice")


def test_a_line_hears_a_hundred_frames_in_two_seconds(scripted: SecretaryProcess) -> None:
    with connect_phone(scripted) as caller:
        caller.send(type="speak", text=uncached_text(), format="alaw", speed=0.25)
        assert 1.8 <= caller.receive_frames(100) <= 2.6


@pytest.mark.parametrize("scripted", ["fast"], indirect=True, scope="package")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_engine_that_is_killed_is_told_and_comes_back(scripted: SecretaryProcess, case: EngineFailureCase) -> None:
    """Engines are behind handles in both modes; the default one is tried with the model below."""
    comes_back(scripted, case)


@pytest.mark.parametrize("scripted", ["default"], indirect=True, scope="package")
def test_a_model_that_is_killed_is_told_and_comes_back_in_the_default_mode(scripted: SecretaryProcess) -> None:
    comes_back(scripted, CASES["chat"])


def comes_back(scripted: SecretaryProcess, case: EngineFailureCase) -> None:
    wait_until(lambda: case.answers(scripted), timeout_s=30)
    case.interrupt(scripted, scripted.replica_process(case.deployment).kill)
    assert live(scripted, "llm") == live(scripted, "tts") == live(scripted, "stt") == 0
    wait_until(lambda: case.answers(scripted), timeout_s=30)


def test_a_missing_model_is_a_degraded_engine_with_its_remedy(scripted: SecretaryProcess) -> None:
    engines = httpx.get(f"{scripted.url}/ready", headers=scripted.headers).json()["engines"]
    piper = next(engine for engine in engines if engine["engine"] == "piper")
    assert not piper["ready"]
    assert piper["remedy"] == "secretary models pull piper-ru-irina-medium"
    assert httpx.get(f"{scripted.url}/ready").json() == {"ready": True, "status": "degraded"}


def test_while_the_gateway_is_away_every_reply_is_an_answer_or_an_openai_error(scripted: SecretaryProcess) -> None:
    scripted.replica_process("gateway").kill()
    replies: list[httpx.Response] = []

    def answers() -> bool:
        body = {"model": "secretary", "messages": [{"role": "user", "content": "Спасибо"}]}
        try:
            replies.append(httpx.post(f"{scripted.url}/v1/chat/completions", json=body, headers=scripted.headers))
        except httpx.HTTPError:
            return False
        return len(replies) > 10 and all(reply.is_success for reply in replies[-10:])

    wait_until(answers, timeout_s=90)
    refused = [reply for reply in replies if not reply.is_success]
    if scripted.has_process("haproxy"):
        said = [(reply.status_code, reply.text) for reply in refused]
        assert all(status == httpx.codes.SERVICE_UNAVAILABLE and '"code":' in text for status, text in said), said
        assert all(int(reply.headers["retry-after"]) > 0 for reply in refused)
    assert scripted.openai.models.list().data


def test_the_doors_answer_while_the_office_is_away_until_it_is_back(scripted: SecretaryProcess) -> None:
    scripted.replica_process("office").kill()
    for _ in range(5):
        reply = scripted.openai.chat.completions.create(
            model="secretary", messages=[{"role": "user", "content": "Спасибо"}]
        )
        assert reply.model_extra["secretary"]["answered_by"].startswith("faq")
        time.sleep(0.2)
    wait_until(lambda: httpx.get(f"{scripted.url}/admin/ui/login", timeout=60).is_success, timeout_s=90)
