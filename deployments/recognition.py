"""Speech to text: an audio file or raw samples in, transcript segments out."""

from collections.abc import AsyncGenerator
from pathlib import Path

from pydantic import JsonValue
from ray import serve

from deployments import names
from deployments.arguments import RecognitionArgs
from deployments.audio.decode import decode_to_pcm16
from deployments.contracts.engines import Recognizer
from deployments.contracts.speech import RecognitionRequest, TranscriptEvent
from deployments.contracts.streams import Closing
from deployments.engine_replica import EngineReplica, build_engine_host
from deployments.engines.adapters import DecodingRecognizer
from deployments.engines.registry import EngineSpec, build_engine
from deployments.hosting import host


class SpeechRecognition(EngineReplica[Recognizer]):
    """One recogniser. It decodes container files here, so that doors do not spend CPU time on them."""

    def __init__(self, spec: EngineSpec, models: Path) -> None:
        def build(options: dict[str, JsonValue]) -> Recognizer:
            return DecodingRecognizer(
                build_engine("recognition", spec.engine, options),
                lambda data, max_seconds: decode_to_pcm16(data, max_seconds=max_seconds),
            )

        self._host = build_engine_host(names.RECOGNITION, "recognition", spec, models, build)
        super().__init__([self._host])

    async def transcribe(self, request: RecognitionRequest) -> AsyncGenerator[TranscriptEvent]:
        async with self._host.use() as engine, Closing(engine.transcribe(request)) as events:
            async for event in events:
                yield event


def build_recognition(args: RecognitionArgs, models: Path) -> serve.Application:
    return host(SpeechRecognition, args, names.RECOGNITION, args.spec, models)
