"""Clients that go away: the doors and the engines stop working for them."""

import httpx
import pytest

from tests.serve.admin_client import AdminClient
from tests.serve.engine_failures import LONG_TEXT, slow_speech_request, uncached_text
from tests.serve.phone_client import connect_phone
from tests.serve.secretary_process import POLL_INTERVAL_S, SecretaryProcess, wait_until

_DOOR_RELEASE_S = 1.0
_REPORT_INTERVAL_S = 1.0
"""How often a replica reports its ongoing work to the office."""


def ongoing_calls(admin: AdminClient, service: str) -> int:
    """Calls that the replicas of ``service`` work on."""
    return sum(replica["ongoing"] or 0 for replica in admin.get("/services/status")["services"][service]["replicas"])


def wait_until_busy(admin: AdminClient, service: str) -> None:
    wait_until(lambda: ongoing_calls(admin, service) == 1, timeout_s=10)


def assert_released(admin: AdminClient, *services: str) -> None:
    """The doors release their streams within a second; the next report of each engine shows no call."""
    door_s = wait_until(
        lambda: admin.secretary.live_streams("llm") == admin.secretary.live_streams("tts") == 0,
        timeout_s=_DOOR_RELEASE_S + POLL_INTERVAL_S,
    )
    engine_s = _DOOR_RELEASE_S + _REPORT_INTERVAL_S + POLL_INTERVAL_S - door_s
    wait_until(lambda: all(ongoing_calls(admin, service) == 0 for service in services), timeout_s=engine_s)


@pytest.mark.parametrize("spoken", [False, True])
def test_closed_chat_stream_stops_model_and_voice(
    secretary: SecretaryProcess, admin: AdminClient, spoken: bool
) -> None:
    extra = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}} if spoken else {}
    stream = secretary.openai.chat.completions.create(
        model="local", messages=[{"role": "user", "content": LONG_TEXT}], stream=True, max_tokens=600, **extra
    )
    for _ in zip(range(5), stream, strict=False):
        pass
    assert secretary.live_streams("llm") == 1
    wait_until_busy(admin, "chat")
    stream.close()
    assert_released(admin, "chat", "voice")


def test_closed_speech_request_stops_voice(secretary: SecretaryProcess, admin: AdminClient) -> None:
    body = slow_speech_request(uncached_text())
    with secretary.http().stream("POST", "/v1/audio/speech", json=body) as reply:
        assert reply.status_code == httpx.codes.OK
        pieces = reply.iter_raw()  # held: a dropped iterator closes the connection
        next(pieces)
        wait_until_busy(admin, "voice")
        assert secretary.live_streams("tts") == 1
    assert_released(admin, "voice")


def test_closed_phone_line_stops_voice(secretary: SecretaryProcess, admin: AdminClient) -> None:
    with connect_phone(secretary) as phone:
        phone.send(type="speak", text=uncached_text(), format="alaw", speed=0.25)
        phone.receive_frames(5)
        wait_until_busy(admin, "voice")
        assert secretary.live_streams("tts") == 1
        phone.hang_up()
        assert_released(admin, "voice")


def test_barge_in_cancels_speech_in_real_time(secretary: SecretaryProcess, admin: AdminClient) -> None:
    with connect_phone(secretary) as phone:
        phone.send(type="speak", id="7", text=uncached_text(), format="alaw", speed=0.25)
        assert 1.8 <= phone.receive_frames(100) <= 2.6, "100 frames of 20 ms"
        wait_until_busy(admin, "voice")
        phone.send(type="cancel", id="7")
        assert phone.receive_until("cancelled")["id"] == "7"
        assert_released(admin, "voice")
