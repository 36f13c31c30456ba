"""Speech to text: a file or raw sound in, segments out."""

from collections.abc import AsyncGenerator
from pathlib import Path

from ray import serve

from deployments import names
from deployments.arguments import RecognitionArgs
from deployments.audio.decode import decode_to_pcm16
from deployments.contracts.engines import Recognizer
from deployments.contracts.speech import EngineStatus, RecognitionRequest, TranscriptEvent
from deployments.contracts.streams import Closing
from deployments.engines.adapters import DecodingRecognizer
from deployments.engines.host import EngineHost
from deployments.engines.registry import EngineSpec, build_engine
from deployments.hosting import host
from deployments.models.references import describe_models, resolve_options


class SpeechRecognition:
    """One recogniser in a process; container files are decoded here, off the doors."""

    def __init__(self, spec: EngineSpec, models: Path) -> None:
        self._host: EngineHost[Recognizer] = EngineHost(
            names.RECOGNITION,
            "recognition",
            spec.engine,
            lambda: DecodingRecognizer(
                build_engine("recognition", spec.engine, resolve_options(spec.options, models)),
                lambda data, max_seconds: decode_to_pcm16(data, max_seconds=max_seconds),
            ),
            lambda: describe_models(spec.options, models),
        )

    async def start(self) -> None:
        self._host.start()

    def load(self) -> None:
        self._host.start()

    async def unload(self) -> None:
        await self._host.unload()

    def ongoing(self) -> int:
        return self._host.active_requests

    async def transcribe(self, request: RecognitionRequest) -> AsyncGenerator[TranscriptEvent]:
        async with self._host.use() as engine, Closing(engine.transcribe(request)) as events:
            async for event in events:
                yield event

    async def statuses(self) -> tuple[EngineStatus, ...]:
        return (self._host.status(),)

    async def check_health(self) -> None:
        """Asked by Serve every few seconds; raising replaces this process."""
        self._host.check_health()

    async def stop(self) -> None:
        await self._host.stop()


def build_recognition(args: RecognitionArgs, models: Path) -> serve.Application:
    return host(SpeechRecognition, args, names.RECOGNITION, args.spec, models)
