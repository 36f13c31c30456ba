"""Has one phrase spoken for keeping, when no listener waits."""

import asyncio
import math

from deployments.contracts.errors import EngineFailed, EngineTimeout
from deployments.contracts.speech import SpeechRequest, Voice
from deployments.contracts.streams import Closing
from deployments.conversation.phrase_cache import PhraseKey
from deployments.conversation.ready.phrase_file import ReadySound
from deployments.conversation.voice_catalogue import VoiceCatalogue

_TIMEOUT_S = 120.0
_MAX_BYTES = 32 << 20


async def synthesize_phrase(key: PhraseKey, voice: Voice, voices: VoiceCatalogue) -> ReadySound:
    """The audio of ``key`` in ``voice``. Raises EngineFailed when another voice speaks in its place, and when there is
    no sound; EngineTimeout; other errors of the engine when it is not available."""
    request = SpeechRequest(key.text, voice.id, key.language, key.speed, parameters=key.parameters, due_in=math.inf)
    audio, formats = bytearray(), set()
    try:
        async with asyncio.timeout(_TIMEOUT_S), Closing(voices.engine_of(voice).synthesize(request)) as chunks:
            async for chunk in chunks:
                if chunk.substitute or chunk.resumed:
                    raise EngineFailed(f"another voice spoke in the place of {voice.id!r}, or it broke off")
                audio += chunk.audio
                formats.add(chunk.format)
                if len(audio) > _MAX_BYTES:
                    raise EngineFailed("the phrase is too long to be kept")
    except TimeoutError:
        raise EngineTimeout(f"the phrase was not spoken within {_TIMEOUT_S:.0f} s") from None
    if len(formats) != 1 or not audio:
        raise EngineFailed("the engine gave no sound, or sound in several formats")
    return ReadySound(bytes(audio), formats.pop())
