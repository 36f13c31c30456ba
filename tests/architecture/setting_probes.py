"""The effect of each setting on real conversation objects with scripted engines.

A probe runs with some settings and returns a result. ``PROBES`` has a value for every field that differs from the
default, and the probes whose result that value must change.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from deployments.administration.speech.builtin_presets import BUILTIN_PRESETS
from deployments.answers.sentence_encoder import UniversalSentenceEncoder
from deployments.api.app import DoorServices, build_app
from deployments.api.metrics import Metrics
from deployments.audio.encode import wav_file
from deployments.contracts.api_key import ApiKey
from deployments.contracts.audio import PCM16_8K
from deployments.contracts.chat import ChatMessage, ChatTurn, SourceKind, TurnSource
from deployments.contracts.errors import EngineTimeout, SecretaryError
from deployments.contracts.events import AnswerMatch, TextDelta, TurnFinished
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.persona import Persona
from deployments.contracts.playout import Playout
from deployments.contracts.settings import Settings
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import SpeechRequest
from deployments.conversation.assistant import ConversationAssistant
from deployments.conversation.continued_speech import ContinuedSpeech, SpeechTimeouts
from deployments.conversation.faq_answers import ExactAnswers, MeaningAnswers, RankedAnswers, SimilarAnswers
from deployments.conversation.ready.maker import ReadyAnswers
from deployments.conversation.ready.phrase_store import PhraseStore
from deployments.conversation.voice_catalogue import VoiceCatalogue
from deployments.conversation.voice_parameters import VoiceParameters
from deployments.engines.adapters import DecodingRecognizer
from deployments.engines.chat.echo import EchoEngine, EchoOptions
from deployments.engines.recognition.transcript import TranscriptOptions, TranscriptRecognizer
from deployments.engines.speech.tone import ToneEngine, ToneOptions
from deployments.wiring import Engines, build_turn_pipeline
from tests.architecture.cloud_probes import probe_connect_timeout, probe_total_timeout
from tests.architecture.outbound_probes import probe_private_model, probe_private_provider
from tests.architecture.retention_probes import probe_deleted, probe_kept_recordings
from tests.fakes.decoding import one_window
from tests.unit.conversation.harness import NOON, RecordingTurnObserver, StaticSnapshotSource
from tests.unit.conversation.scripted_voices import OTHER, PIPER, XTTS, Deployment

Probe = Callable[[Settings], Awaitable[object]]

KEY = "sk-sec-of-a-probe"
ENCODER = UniversalSentenceEncoder()
MEANT = "Где тут ближайшая стоянка?"
"""Near in meaning to an entry, and too far for a rank."""
FAQ = (
    FaqEntry(id=1, question="Который час", answer="{current_time}"),
    FaqEntry(id=2, question="Сколько стоит доставка мебели", answer="Тысяча."),
    FaqEntry(id=3, question="Когда привезут заказанный диван", answer="Завтра."),
    FaqEntry(id=4, question="Заказанный диван привезут когда", answer="Послезавтра."),
    FaqEntry(id=6, question="Где находится ближайшая парковка?", answer="За углом."),
)
PERSONAS = (
    Persona(id="anna", name="Анна", prompts={"ru": "Ты Анна.", "en": "You are Anna."}),
    Persona(id="marina", name="Марина", prompts={"ru": "Ты Марина.", "en": "You are Marina."}),
)


class RecordingEcho(EchoEngine):
    """Keeps the turns."""

    def __init__(self, options: EchoOptions) -> None:
        super().__init__(options)
        self.turns: list[ChatTurn] = []

    def status(self):
        return replace(super().status(), languages=self._options.languages or ())

    def stream(self, turn: ChatTurn):
        self.turns.append(turn)
        return super().stream(turn)


class RecordingTone(ToneEngine):
    """Keeps the speech requests."""

    def __init__(self, options: ToneOptions) -> None:
        super().__init__(options)
        self.requests: list[SpeechRequest] = []

    def synthesize(self, request: SpeechRequest):
        self.requests.append(request)
        return super().synthesize(request)


class LocalSimilarAnswers:
    """The answers of ``deployments.faq`` in this process."""

    def __init__(self, answers: SimilarAnswers) -> None:
        self._answers = answers

    async def lookup(self, text: str, locale: str | None) -> AnswerMatch | None:
        return self._answers.lookup(text, locale)


@dataclass
class ProbeSetup:
    """A secretary with given settings and its scripted engines."""

    secretary: ConversationAssistant
    snapshots: StaticSnapshotSource
    chat: RecordingEcho
    speech: RecordingTone
    observer: RecordingTurnObserver

    async def ask(self, *messages: str) -> tuple[str, TurnFinished | None]:
        roles = ("user", "assistant")
        talk = tuple(ChatMessage(roles[number % 2], text) for number, text in enumerate(messages))
        text, finished = "", None
        async for event in self.secretary.reply(ChatTurn("t1", TurnSource(SourceKind.API), talk)):
            text += event.text if isinstance(event, TextDelta) else ""
            finished = event if isinstance(event, TurnFinished) else finished
        return text, finished

    async def speech_seconds(self, text: str) -> float:
        return sum([chunk.seconds async for chunk in self.secretary.speak(SpeechRequest(text))])


async def build_probe_setup(
    settings: Settings, chat: EchoOptions | None = None, speech: ToneOptions | None = None
) -> ProbeSetup:
    """Built with the functions of the doors; a snapshot with default settings comes first."""
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    key = ApiKey(id=1, name="probe", prefix="sk", digest=digest)
    snapshot = Snapshot(
        revision=1, settings=settings, faq=FAQ, personas=PERSONAS, api_keys=(key,), presets=BUILTIN_PRESETS
    )
    snapshots, observer = StaticSnapshotSource(snapshot), RecordingTurnObserver()
    engine, voice = (
        RecordingEcho(chat or EchoOptions()),
        RecordingTone(speech or ToneOptions(languages=("ru", "en", "de"))),
    )
    other = EchoEngine(EchoOptions(model_id="other"))
    recognizer = DecodingRecognizer(TranscriptRecognizer(TranscriptOptions()), one_window)
    for each in (engine, voice, other, recognizer):
        await each.start()
    exact = ExactAnswers(lambda: NOON)
    similar = SimilarAnswers(RankedAnswers(lambda: NOON), MeaningAnswers(lambda: NOON, ENCODER))
    for each in (snapshot.model_copy(update={"settings": Settings()}), snapshot):
        exact.prepare(each)
        similar.ranked.prepare(each)
        similar.meaning.prepare(each)
    pipeline = build_turn_pipeline(
        Engines({"chat": engine}, (voice,), recognizer, LocalSimilarAnswers(similar)), exact, snapshots
    )
    pipeline = replace(pipeline, chat={**pipeline.chat, "cloud:other": other})
    return ProbeSetup(
        ConversationAssistant(pipeline, snapshots, observer, lambda: NOON), snapshots, engine, voice, observer
    )


def probe_answer(question: str) -> Probe:
    async def probe(settings: Settings) -> object:
        return (await (await build_probe_setup(settings)).ask(question))[0]

    return probe


def probe_option(name: str) -> Probe:
    """An option of the turn that the model gets."""

    async def probe(settings: Settings) -> object:
        setup = await build_probe_setup(settings)
        await setup.ask("раз два три четыре")
        return getattr(setup.chat.turns[0].options, name)

    return probe


async def probe_answer_length(settings: Settings) -> object:
    return (await (await build_probe_setup(settings)).ask("раз два три четыре пять"))[0]


async def probe_persona(settings: Settings) -> object:
    setup = await build_probe_setup(settings)
    await setup.ask("расскажи о себе")
    return setup.chat.turns[0].messages[0].content


async def probe_model(settings: Settings) -> object:
    _, finished = await (await build_probe_setup(settings)).ask("расскажи о себе")
    return finished and finished.model


async def probe_unspoken_language(settings: Settings) -> object:
    _, finished = await (await build_probe_setup(settings, EchoOptions(languages=("en",)))).ask("расскажи о себе")
    return finished and finished.route


async def probe_history_length(settings: Settings) -> object:
    setup = await build_probe_setup(settings)
    await setup.ask("раз " * 400, "два", "три")
    return len(setup.chat.turns[0].messages)


def probe_rescue(due_in: float) -> Probe:
    """The voice that goes on in time when the first one is silent on a phone line."""

    async def probe(settings: Settings) -> object:
        voices = VoiceCatalogue((Deployment((XTTS, PIPER, OTHER), ["stall"], chunks=0 if due_in == 0 else 2),))
        speech = ContinuedSpeech(
            voices, RecordingTurnObserver(), lambda: settings.speech, SpeechTimeouts(engine=0.2, first_sound=0.02)
        )
        listener, found = Playout(due_in), set()
        try:
            async with asyncio.timeout(1):
                async for chunk in speech.speak("раз, два", VoiceParameters(XTTS, "ru"), listener):
                    listener.add(chunk.seconds)
                    found.add(chunk.substitution)
        except (TimeoutError, EngineTimeout):
            return None
        return found

    return probe


def probe_timeout(chat: EchoOptions) -> Probe:
    """Whether a slow model times out."""

    async def probe(settings: Settings) -> object:
        setup = await build_probe_setup(settings, chat)
        try:
            _, finished = await setup.ask("раз два три")
        except SecretaryError as error:
            return error.code
        return finished is not None

    return probe


async def probe_voice_request(settings: Settings) -> object:
    setup = await build_probe_setup(settings)
    await setup.speech_seconds("12")
    return setup.speech.requests[0].language, setup.speech.requests[0].voice_id


async def probe_speech_length(settings: Settings) -> object:
    return round(await (await build_probe_setup(settings)).speech_seconds("Добрый день"), 2)


async def probe_long_text(settings: Settings) -> object:
    try:
        return await (await build_probe_setup(settings)).speech_seconds("Добрый день") > 0
    except SecretaryError as error:
        return error.code


async def probe_phrase_cache(settings: Settings) -> object:
    setup = await build_probe_setup(settings)
    for _ in range(2):
        await setup.speech_seconds("Добрый день")
    return setup.observer.hits


async def probe_ready_answers(settings: Settings) -> object:
    setup = await build_probe_setup(settings)
    with TemporaryDirectory() as name:
        engines = setup.secretary.ready_answers_engines(tuple)
        ready = ReadyAnswers(engines, PhraseStore(Path(name)))
        await ready.work()
    return ready.counts()


@dataclass
class ProbeRequest:
    path: str
    content: bytes | None = None
    files: dict[str, tuple[str, bytes]] | None = None
    json: dict[str, object] | None = None


async def gateway_statuses(settings: Settings, requests: list[ProbeRequest], chat: EchoOptions | None = None) -> object:
    """The HTTP statuses of the gateway for ``requests``, sent at once."""
    setup = await build_probe_setup(settings, chat)
    app = build_app(
        DoorServices(
            assistant=setup.secretary, snapshots=setup.snapshots, metrics=Metrics(), embedders={"chat": setup.chat}
        )
    )
    headers = {"authorization": f"Bearer {KEY}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://door", headers=headers) as client:
        sent = (
            client.post(each.path, content=each.content, files=each.files, json=each.json, data=_fields(each))
            for each in requests
        )
        return sorted(reply.status_code for reply in await asyncio.gather(*sent))


def _fields(request: ProbeRequest) -> dict[str, str] | None:
    return {"model": "transcript"} if request.files else None


def chat_request(*texts: str, model: str = "echo") -> ProbeRequest:
    return ProbeRequest(
        "/v1/chat/completions",
        json={"model": model, "messages": [{"role": "user", "content": text} for text in texts]},
    )


def probe_gateway(*requests: ProbeRequest, chat: EchoOptions | None = None) -> Probe:
    async def probe(settings: Settings) -> object:
        return await gateway_statuses(settings, list(requests), chat)

    return probe


def upload(seconds: float) -> ProbeRequest:
    sound = wav_file(bytes([1, 2]) * int(seconds * PCM16_8K.rate), PCM16_8K)
    return ProbeRequest("/v1/audio/transcriptions", files={"file": ("x.wav", sound)})


LARGE_BODY = ProbeRequest(
    "/v1/audio/speech",
    content=json.dumps(
        {"model": "tone", "voice": "alloy", "input": "да", "instructions": " ", "more": "x" * 1_500_000}
    ).encode(),
)
SLOW = EchoOptions(delay_s=0.05)


PROBES: dict[str, tuple[object, *tuple[Probe, ...]]] = {
    "default_language": ("en", probe_voice_request),
    "time_zone": ("Asia/Tokyo", probe_answer("который час")),
    "default_persona": ("marina", probe_persona),
    "default_route": ("cloud:other", probe_model),
    "faq.ranked_threshold": (20.0, probe_answer("доставка мебели")),
    "faq.ranked_margin": (0.0, probe_answer("заказанный привезут диван когда-то")),
    "faq.meaning_enabled": (False, probe_answer(MEANT)),
    "faq.meaning_threshold": (99.0, probe_answer(MEANT)),
    "faq.meaning_margin": (95.0, probe_answer(MEANT)),
    "faq.meaning_across_languages": (True, probe_answer("Where is the nearest car park?")),
    "llm.temperature": (1.5, probe_option("temperature")),
    "llm.top_p": (0.1, probe_option("top_p")),
    "llm.max_tokens": (2, probe_answer_length),
    "llm.repetition_penalty": (1.5, probe_option("repetition_penalty")),
    "llm.history_tokens": (100, probe_history_length),
    "llm.first_token_timeout_s": (0.02, probe_timeout(EchoOptions(first_delay_s=0.2))),
    "llm.idle_timeout_s": (0.02, probe_timeout(EchoOptions(delay_s=0.2))),
    "llm.connect_timeout_s": (0.02, probe_connect_timeout),
    "llm.total_timeout_s": (0.05, probe_total_timeout),
    "llm.answer_in_any_language": (True, probe_unspoken_language),
    "speech.default_voices": ({"ru": "tone-de"}, probe_voice_request),
    "speech.rescue_voices": ({"ru": "other"}, probe_rescue(0.2)),
    "speech.rescue_lead_s": (0, probe_rescue(0.2)),
    "speech.rescue_start_s": (0.02, probe_rescue(0.0)),
    "speech.fillers": ({}, probe_ready_answers),
    "speech.max_input_chars": (5, probe_long_text),
    "speech.speed": (2.0, probe_speech_length),
    "speech.default_preset": ("energetic", probe_speech_length),
    "speech.cache_mb": (0, probe_phrase_cache),
    "speech.ready_answers_mb": (0, probe_ready_answers),
    "models.aliases": ({"gpt-4o": "secretary"}, probe_gateway(chat_request("раз", model="gpt-4o"))),
    "models.unknown_as_secretary": (True, probe_gateway(chat_request("раз", model="gpt-4o"))),
    "limits.max_body_mb": (1, probe_gateway(LARGE_BODY)),
    "limits.max_upload_mb": (1, probe_gateway(upload(70))),
    "limits.max_bodies_mb": (1, probe_gateway(LARGE_BODY, LARGE_BODY)),
    "limits.max_uploads_mb": (1, probe_gateway(upload(50), upload(50))),
    "limits.max_audio_minutes": (1, probe_gateway(upload(61))),
    "limits.max_messages": (1, probe_gateway(chat_request("раз", "два"))),
    "limits.max_embedding_tokens": (
        100,
        probe_gateway(ProbeRequest("/v1/embeddings", json={"model": "echo", "input": "word " * 101})),
    ),
    "limits.requests_per_minute": (1, probe_gateway(chat_request("раз"), chat_request("два"))),
    "limits.max_live_streams": (1, probe_gateway(*(chat_request(f"раз два {n}") for n in range(3)), chat=SLOW)),
    "outbound.allowed_hosts": (
        ("10.0.0.5:8000", "127.0.0.1"),
        probe_private_provider,
        probe_private_model,
    ),
    "privacy.keep_recordings": (True, probe_kept_recordings),
    "privacy.messages_days": (1, probe_deleted("conversations", "messages")),
    "privacy.audio_days": (1, probe_deleted("recordings")),
    "privacy.audit_days": (7, probe_deleted("audit")),
    "privacy.exchanges_days": (1, probe_deleted("exchanges")),
    "privacy.backups_days": (1, probe_deleted("backups")),
}
