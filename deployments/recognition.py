"""Speech to text: an audio file or raw samples in, transcript segments out."""

from collections.abc import AsyncGenerator
from pathlib import Path

from pydantic import JsonValue
from ray import serve

from deployments import names
from deployments.arguments import RecognitionArgs
from deployments.audio.recording_decoder import RecordingDecoder
from deployments.contracts.engines import Recognizer
from deployments.contracts.speech import RecognitionRequest, TranscriptEvent
from deployments.contracts.streams import Closing
from deployments.engine_replica import EngineReplica, build_engine_host, gpu_turn
from deployments.engines.adapters import DecodingRecognizer
from deployments.engines.registry import build_engine
from deployments.hosting import host


class SpeechRecognition(EngineReplica[Recognizer]):
    """One recogniser and the processes that decode audio files for it: doors pass files on as they are."""

    def __init__(self, args: RecognitionArgs, models: Path, run_dir: Path) -> None:
        spec = args.spec
        self._decoder = RecordingDecoder()

        def build(options: dict[str, JsonValue]) -> Recognizer:
            return DecodingRecognizer(build_engine("recognition", spec.engine, options), self._decoder.windows)

        turn = gpu_turn(names.RECOGNITION, [(names.RECOGNITION, spec)], args, models, run_dir)
        self._host = build_engine_host(names.RECOGNITION, "recognition", spec, models, build, turn)
        super().__init__([self._host])

    async def start(self) -> None:
        await self._decoder.start()
        await super().start()

    async def stop(self) -> None:
        await super().stop()
        await self._decoder.stop()

    async def transcribe(self, request: RecognitionRequest) -> AsyncGenerator[TranscriptEvent]:
        async with self._host.use() as engine, Closing(engine.transcribe(request)) as events:
            async for event in events:
                yield event


def build_recognition(args: RecognitionArgs, models: Path, run_dir: Path) -> serve.Application:
    return host(SpeechRecognition, args, names.RECOGNITION, args, models, run_dir)
