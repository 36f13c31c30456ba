"""Clients of deployments that cannot be found."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from ray.exceptions import RayError
from ray.serve.handle import DeploymentHandle

from deployments.clients import ChatClient, RecognizerClient, SpeechClient
from deployments.contracts.errors import EngineFailed, ReplicaLost, SecretaryError, Unavailable, VoiceNotFound
from deployments.contracts.memory_file import FileElsewhere, MemoryFile
from deployments.contracts.settings import Settings
from deployments.contracts.speech import EngineStatus, RecognitionRequest, SpeechRequest, TranscriptFinished, Voice
from deployments.contracts.voice_library import NewClonedVoice, NewVoiceConsent
from deployments.conversation.voice_catalogue import VoiceCatalogue
from deployments.remote import RemoteDeployment
from deployments.voice_uploads import VoiceLibraryClient
from tests.waiting import wait_until


@pytest.mark.parametrize(
    "error", [KeyError("no such deployment"), RayError("the controller is gone"), ValueError("odd")]
)
async def test_client_retries_failed_lookup(error: Exception) -> None:
    looked: list[float] = []

    def find() -> DeploymentHandle[object]:
        looked.append(asyncio.get_running_loop().time())
        raise error

    client = SpeechClient(RemoteDeployment(find, "voice"), "speech")
    await client.start()
    try:
        async with asyncio.timeout(10):
            while len(looked) < 2:
                await asyncio.sleep(0.05)
        status = client.status()
        assert (status.ready, bool(status.error)) == (False, True)
    finally:
        await client.stop()


async def test_client_keeps_languages_when_polling_fails() -> None:
    status = EngineStatus("chat", "chat", "llama_cpp", ready=True, languages=("en",))

    class FailingRemote(RemoteDeployment):
        replies = 0

        async def call(self, method: str, *arguments: object, timeout_s: float = 0) -> object:
            self.replies += 1
            if self.replies > 1:
                raise Unavailable("away")
            return (replace(status, error="slow"),)

    remote = FailingRemote(lambda: pytest.fail("not looked up"), "chat")
    client = ChatClient(remote, "chat")
    await client.start()
    try:
        await wait_until(lambda: client.status().error == "away")
        assert client.status().languages == ("en",)
    finally:
        await client.stop()


async def test_call_to_missing_deployment_is_unavailable() -> None:
    def find() -> DeploymentHandle[object]:
        raise KeyError("voice")

    with pytest.raises(SecretaryError) as caught:
        await RemoteDeployment(find, "voice").call("status")
    assert isinstance(caught.value, Unavailable)


JOE = Voice("joe", "Joe", "piper", ("en",), 22_050)


class ScriptedRemote(RemoteDeployment):
    """A voice deployment whose state tests set. ``voices`` None: it cannot be reached."""

    def __init__(self) -> None:
        super().__init__(lambda: pytest.fail("not a real deployment"), "voice")
        self.voices: tuple[Voice, ...] | None = None
        self.loading = True

    async def call(self, method: str, *arguments: object, timeout_s: float | None = None) -> object:
        if self.voices is None:
            raise EngineFailed("voice failed; it is being restarted")
        if method == "voices":
            return self.voices
        if method == "absent_voices":
            return ()
        return (EngineStatus("voice/piper", "speech", "piper", ready=not self.loading, loading=self.loading),)


@pytest.fixture
async def remote(monkeypatch: pytest.MonkeyPatch) -> ScriptedRemote:
    monkeypatch.setattr("deployments.clients._POLL_STARTING_S", 0.001)
    monkeypatch.setattr("deployments.clients._POLL_READY_S", 0.001)
    return ScriptedRemote()


async def test_voice_that_is_not_loaded_is_not_unknown(remote: ScriptedRemote) -> None:
    client = SpeechClient(remote)
    catalogue = VoiceCatalogue((client,))

    def error_of(voice_id: str) -> str:
        try:
            catalogue.find(voice_id)
        except SecretaryError as error:
            return error.code if error.retry_after_s or not error.retryable else "no time to retry"
        return ""

    def language_error() -> str:
        try:
            catalogue.for_language("en", Settings())
        except SecretaryError as error:
            return error.code
        return ""

    assert (error_of("joe"), language_error()) == ("unavailable", "unavailable")
    await client.start()
    remote.voices = ()
    await wait_until(lambda: client.status().loading and client.status().name == "voice/piper")
    assert (error_of("joe"), error_of("nobody"), language_error()) == ("unavailable", "unavailable", "unavailable")
    remote.voices, remote.loading = (JOE,), False
    await wait_until(client.voices)
    assert (error_of("joe"), error_of("nobody"), language_error()) == ("", "voice_not_found", "")
    remote.voices, remote.loading = (), True
    await wait_until(lambda: not client.voices())
    assert (error_of("joe"), error_of("nobody"), language_error()) == ("", "unavailable", "unavailable")
    remote.voices = None
    await wait_until(lambda: not client.status().loading)
    assert (error_of("joe"), error_of("nobody"), language_error()) == ("", "unavailable", "unavailable")
    assert catalogue.engine_of(JOE) is client
    await client.stop()


class DyingRemote(ScriptedRemote):
    async def stream(self, method: str, *arguments: object) -> AsyncGenerator[object]:
        self.voices = None
        raise ReplicaLost("voice failed; it is being restarted")
        yield


async def test_client_is_lost_until_a_replica_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployments.clients._POLL_STARTING_S", 0.001)
    remote = DyingRemote()
    remote.voices, remote.loading = (JOE,), False
    client = SpeechClient(remote)
    await client.start()
    await wait_until(client.voices)
    with pytest.raises(ReplicaLost):
        await anext(client.synthesize(SpeechRequest("Hello.")))
    assert client.lost
    await wait_until(lambda: not client.status().ready)
    assert (client.lost, client.voices()) == (True, (JOE,))
    remote.voices = (JOE,)
    await wait_until(lambda: not client.lost)
    await client.stop()


def test_unknown_voice_of_loaded_engines_is_not_found() -> None:
    with pytest.raises(VoiceNotFound):
        VoiceCatalogue(()).find("nobody")


class OtherMachine(RemoteDeployment):
    """A replica of recognition that cannot open memory files."""

    def __init__(self) -> None:
        super().__init__(lambda: pytest.fail("not a real deployment"), "recognition")
        self.heard: list[bytes] = []

    async def stream(self, method: str, *arguments: object) -> AsyncGenerator[object]:
        (request,) = arguments
        assert isinstance(request, RecognitionRequest)
        if request.file is not None:
            raise FileElsewhere("not on this machine")
        self.heard.append(request.audio)
        yield TranscriptFinished("text", "ru", 1.0)


async def test_recording_is_sent_to_another_machine_as_a_copy() -> None:
    remote = OtherMachine()
    with MemoryFile() as file:
        file.write(b"RIFF")
        client = RecognizerClient(remote, "recognition")
        assert [event async for event in client.transcribe(RecognitionRequest(file=file.reference))]
    assert remote.heard == [b"RIFF"]


class OfficeElsewhere(RemoteDeployment):
    """An office that cannot open memory files."""

    def __init__(self) -> None:
        super().__init__(lambda: pytest.fail("not a real deployment"), "office")
        self.received: list[object] = []

    async def call(self, method: str, *arguments: object, timeout_s: float | None = None, replica: str = "") -> object:
        draft, owner = arguments
        upload = draft.recording if isinstance(draft, NewVoiceConsent) else draft.sample  # type: ignore[attr-defined]
        if not isinstance(upload, bytes):
            raise FileElsewhere("not on this machine")
        self.received.append((method, upload, owner))
        return None


async def test_uploaded_voice_is_sent_to_another_machine_as_a_copy() -> None:
    remote = OfficeElsewhere()
    with MemoryFile() as file:
        file.write(b"RIFF")
        client = VoiceLibraryClient(remote)
        await client.add_consent(NewVoiceConsent("Гуля", "ru", file.reference), "key 3")
        await client.add_voice(NewClonedVoice("Гуля", "cons_1", file.reference), "key 3")
    assert remote.received == [("add_voice_consent", b"RIFF", "key 3"), ("add_cloned_voice", b"RIFF", "key 3")]
