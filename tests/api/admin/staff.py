"""A real secretary on scripted engines, that follows the office's own snapshots."""

from datetime import UTC, datetime

from deployments.administration.office import Office
from deployments.conversation.assistant import Secretary, Staff
from deployments.conversation.prepared import ExactAnswers
from deployments.engines.chat.echo import EchoEngine, EchoOptions
from deployments.engines.recognition.transcript import TranscriptOptions, TranscriptRecognizer
from deployments.engines.speech.tone import ToneEngine, ToneOptions
from tests.api.admin.office import PublishedSnapshots
from tests.unit.conversation.stage import Notebook


async def secretary(office: Office, *, delay_s: float = 0.0, heard: str = "привет") -> Secretary:
    chat, speech = EchoEngine(EchoOptions()), ToneEngine(ToneOptions(delay_s=delay_s))
    ear = TranscriptRecognizer(TranscriptOptions(text=heard))
    for engine in (chat, speech, ear):
        await engine.start()
    exact = ExactAnswers(lambda: datetime.now(UTC))
    exact.prepare(office.publisher.current)
    staff = Staff({"local": chat}, (speech,), ear, exact, None)
    return Secretary(staff, PublishedSnapshots(office), Notebook())
