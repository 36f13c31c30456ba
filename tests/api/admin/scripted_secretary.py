"""A conversation assistant on scripted engines that uses the snapshots of an office."""

from datetime import UTC, datetime

from deployments.administration.office.composition import OfficeServices
from deployments.contracts.engines import SpeechEngine
from deployments.conversation.assistant import ConversationAssistant, TurnPipeline
from deployments.conversation.faq_answers import ExactAnswers, FaqLookup
from deployments.engines.adapters import DecodingRecognizer
from deployments.engines.chat.echo import EchoEngine, EchoOptions
from deployments.engines.recognition.transcript import TranscriptOptions, TranscriptRecognizer
from deployments.engines.speech.tone import ToneEngine, ToneOptions
from tests.api.admin.admin_client import OfficeSnapshots
from tests.fakes.decoding import one_window
from tests.unit.conversation.harness import RecordingTurnObserver


async def scripted_secretary(
    office: OfficeServices, *, delay_s: float = 0.0, transcript: str = "привет", speech: SpeechEngine | None = None
) -> ConversationAssistant:
    chat, speech = EchoEngine(EchoOptions()), speech or ToneEngine(ToneOptions(delay_s=delay_s))
    recognizer = DecodingRecognizer(TranscriptRecognizer(TranscriptOptions(text=transcript)), one_window)
    for engine in (chat, speech, recognizer):
        await engine.start()
    exact = ExactAnswers(lambda: datetime.now(UTC))
    exact.prepare(office.publisher.current)
    pipeline = TurnPipeline({"local": chat}, (speech,), recognizer, FaqLookup(exact, None))
    return ConversationAssistant(pipeline, OfficeSnapshots(office), RecordingTurnObserver())
