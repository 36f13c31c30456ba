"""Routers of voices and synthesis over a real office, and a client of their websocket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.app import AdminApp, GateDependencies
from deployments.api.admin.speech.cloned_voices import cloned_voices_router, voice_consents_router
from deployments.api.admin.speech.office_speech import OfficeSpeech
from deployments.api.admin.speech.presets import phrase_cache_router, presets_router
from deployments.api.admin.speech.pronunciations import pronunciations_router
from deployments.api.admin.speech.streaming import streaming_router
from deployments.api.admin.speech.voices import voices_router
from deployments.api.admin.speech.xtts_parameters import xtts_parameters_router
from deployments.api.limits import StreamSlots
from deployments.api.metrics import Metrics
from deployments.conversation.assistant import ConversationAssistant
from tests.api.admin.admin_client import OfficeSnapshots, RoleTokens


def speech_routers(office: OfficeServices, assistant: ConversationAssistant):
    snapshots = OfficeSnapshots(office)
    speech = OfficeSpeech(assistant, snapshots, StreamSlots())
    return [
        presets_router(office.presets, office.settings, office.publisher),
        xtts_parameters_router(office.presets, office.settings, office.publisher),
        phrase_cache_router(office.voices, office.settings, office.publisher, assistant),
        cloned_voices_router(office.cloned_voices, office.publisher, assistant.installed_voices),
        voice_consents_router(office.voice_consents),
        pronunciations_router(office.voices, office.publisher, assistant.installed_voices, assistant),
        voices_router(office.voices, office.settings, office.publisher, speech, assistant.installed_voices),
        streaming_router(speech),
    ]


class SpeechSocket:
    """A websocket client of the office over ASGI."""

    def __init__(self) -> None:
        self.inbound: asyncio.Queue = asyncio.Queue()
        self.outbound: asyncio.Queue = asyncio.Queue()

    async def send(self, message: object) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        await self.inbound.put({"type": "websocket.receive", "text": text})

    async def receive(self) -> dict | bytes:
        message = await asyncio.wait_for(self.outbound.get(), 5)
        assert message["type"] == "websocket.send", message
        return message["bytes"] if message.get("bytes") is not None else json.loads(message["text"])

    async def until_text(self) -> tuple[int, dict]:
        """The number of blocks before the next text message, and that message."""
        blocks = 0
        while isinstance(message := await self.receive(), bytes):
            blocks += 1
        return blocks, message


@asynccontextmanager
async def open_speech_socket(office: OfficeServices, assistant: ConversationAssistant) -> AsyncIterator[SpeechSocket]:
    app = AdminApp(
        GateDependencies(RoleTokens(), OfficeSnapshots(office), Metrics()), speech_routers(office, assistant)
    )
    socket = SpeechSocket()
    scope = {
        "type": "websocket",
        "path": "/admin/tts/ws/stream",
        "root_path": "/admin",
        "headers": [],
        "query_string": b"",
        "subprotocols": ["bearer.operator"],
        "asgi": {"version": "3.0"},
    }
    await socket.inbound.put({"type": "websocket.connect"})
    task = asyncio.create_task(app(scope, socket.inbound.get, socket.outbound.put))
    assert (await asyncio.wait_for(socket.outbound.get(), 5))["type"] == "websocket.accept"
    try:
        yield socket
    finally:
        await socket.inbound.put({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(task, 5)
