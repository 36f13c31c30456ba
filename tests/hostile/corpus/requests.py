"""Attacks as HTTP requests, one connection each. A sender waits for an answer for a second and leaves."""

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from tests.hostile.target import Target

SENDER_WAITS_S = 1.2

Send = Callable[[Target], object]


@dataclass(frozen=True)
class Attack:
    """``send`` returns when the sender has left."""

    name: str
    send: Send


def request(
    name: str, method: str, path: str, *, key: bool = False, body: object = None, times: int = 1, **options: object
) -> Attack:
    """``times`` equal requests at once. ``body`` is sent as JSON; ``options`` are those of httpx."""

    def send(target: Target) -> None:
        own = {**options, **({"json": body} if body is not None else {})}
        headers = {**(target.key_headers if key else {}), **own.pop("headers", {})}  # type: ignore[dict-item]
        with ThreadPoolExecutor(times) as pool:
            list(pool.map(lambda _: _send_one(method, target.url + path, headers, own), range(times)))

    return Attack(name, send)


def _send_one(method: str, url: str, headers: dict[str, str], options: dict[str, object]) -> None:
    """Reads the answer until the sender has waited long enough, even while it still arrives."""
    leaves_at = time.monotonic() + SENDER_WAITS_S
    with (
        contextlib.suppress(httpx.HTTPError),
        httpx.stream(method, url, headers=headers, timeout=SENDER_WAITS_S, **options) as answer,  # type: ignore[arg-type]
    ):
        for _ in answer.iter_raw():
            if time.monotonic() > leaves_at:
                return


def chat(name: str, text: str, model: str = "secretary", **extra: object) -> Attack:
    body = {"model": model, "max_tokens": 4, "messages": [{"role": "user", "content": text}], **extra}
    return request(name, "POST", "/v1/chat/completions", key=True, body=body)


def speech(name: str, text: str, times: int = 1) -> Attack:
    body = {"model": "tts-1", "voice": "alloy", "input": text, "response_format": "pcm"}
    return request(name, "POST", "/v1/audio/speech", key=True, body=body, times=times)


def accepted_recordings(name: str, data: bytes, times: int) -> Attack:
    """``times`` recordings at once, each of which must be transcribed. Raises HTTPStatusError."""

    def send(target: Target) -> None:
        def transcribe(_: int) -> None:
            form = {"files": {"file": ("sound", data)}, "data": {"model": "whisper-1"}}
            url = f"{target.url}/v1/audio/transcriptions"
            httpx.post(url, headers=target.key_headers, timeout=60, **form).raise_for_status()  # type: ignore[arg-type]

        with ThreadPoolExecutor(times) as pool:
            list(pool.map(transcribe, range(times)))

    return Attack(name, send)


def recording(name: str, data: bytes, times: int = 1, **fields: str) -> Attack:
    return request(
        name,
        "POST",
        "/v1/audio/transcriptions",
        key=True,
        times=times,
        files={"file": ("sound", data)},
        data={"model": "whisper-1", **fields},
    )
