"""``secretary say`` and ``secretary hear``: speech and transcripts of the running secretary, over its OpenAI API."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import httpx
import typer

from deployments.command.pid_file import read_pid_file
from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import InvalidRequest, SecretaryError, Unavailable
from storage.environment import Environment

_TIMEOUT_S = 900.0
_FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")


def say(
    text: Annotated[str, typer.Argument(help="What to say")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write; its ending is the format")],
    voice: Annotated[str, typer.Option(help="A voice of GET /v1/audio/voices")] = "alloy",
    speed: Annotated[float, typer.Option(help="0.25 to 4")] = 1.0,
) -> None:
    """Speaks a text into a file: wav, mp3, opus, aac, flac or pcm."""
    ending = output.suffix.removeprefix(".").lower()
    if ending not in _FORMATS:
        raise InvalidRequest(f"--output: the file ends with one of .{', .'.join(_FORMATS)}")
    body = {"model": "tts-1", "input": text, "voice": voice, "speed": speed, "response_format": ending}
    with _client() as client, client.stream("POST", "/v1/audio/speech", json=body) as reply:
        if not reply.is_success:
            reply.read()
            raise _error(reply)
        with output.open("wb") as file:
            for piece in reply.iter_bytes():
                file.write(piece)
    typer.echo(f"{output}: {output.stat().st_size} bytes", err=True)


def hear(
    recording: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="wav, mp3, ogg, webm, m4a, flac")],
    language: Annotated[str | None, typer.Option(help="The language that is spoken; default: detected")] = None,
    model: Annotated[str, typer.Option(help="An engine or model of GET /v1/models; whisper-1: chosen")] = "whisper-1",
    format: Annotated[str, typer.Option(help="text, json, verbose_json, srt or vtt")] = "text",
) -> None:
    """Prints what is said in a recording."""
    fields = {"model": model, "response_format": format} | ({"language": language} if language else {})
    with ExitStack() as stack:
        client, file = stack.enter_context(_client()), stack.enter_context(recording.open("rb"))
        reply = client.post("/v1/audio/transcriptions", data=fields, files={"file": (recording.name, file)})
    if not reply.is_success:
        raise _error(reply)
    typer.echo(reply.text.rstrip("\n"))


def _client() -> httpx.Client:
    """Raises Unavailable when no secretary runs on this data folder, or its key is not known."""
    environment = Environment()
    pid_file = read_pid_file(environment.data / "run")
    if pid_file is None or not pid_file.alive:
        raise Unavailable(f"not running; start it: {secretary_command('up')}")
    if environment.api_key is None:
        raise Unavailable("set SECRETARY_API_KEY to an API key with the scope audio")
    headers = {"Authorization": f"Bearer {environment.api_key.get_secret_value()}"}
    return httpx.Client(base_url=pid_file.url, headers=headers, timeout=_TIMEOUT_S, trust_env=False)


def _error(reply: httpx.Response) -> SecretaryError:
    try:
        return InvalidRequest(str(reply.json()["error"]["message"]))
    except (ValueError, KeyError, TypeError):
        return Unavailable(f"the secretary answers {reply.status_code}")
