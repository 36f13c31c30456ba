"""Describes, synthesizes and transcribes as Home Assistant does: prints the texts. Run by the clients' Python."""

import asyncio
import sys

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeVoice


async def exchange(port: int, last: str, *events: Event) -> list[Event]:
    """The events of the answer up to the one of the type ``last``."""
    answer: list[Event] = []
    async with AsyncTcpClient("127.0.0.1", port) as client:
        for event in events:
            await client.write_event(event)
        while not answer or answer[-1].type != last:
            answer.append(await asyncio.wait_for(client.read_event(), 60))
    return answer


async def main(port: int) -> None:
    info = Info.from_event((await exchange(port, "info", Describe().event()))[-1])
    for model in (*info.asr[0].models, *info.tts[0].voices):
        print(model.name, *model.languages)
    words = Synthesize("What are your opening hours?", voice=SynthesizeVoice(info.tts[0].voices[0].name)).event()
    sound = [AudioChunk.from_event(e) for e in await exchange(port, "audio-stop", words) if AudioChunk.is_type(e.type)]
    start = AudioStart(sound[0].rate, sound[0].width, sound[0].channels)
    recording = [part.event() for part in (Transcribe(language="en"), start, *sound, AudioStop())]
    print(Transcript.from_event((await exchange(port, "transcript", *recording))[-1]).text)


asyncio.run(main(int(sys.argv[1])))
