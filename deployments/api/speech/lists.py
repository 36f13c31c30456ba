"""Lists of voices and speech models.

Open WebUI requests ``/v1/audio/voices`` and ``/v1/audio/models`` without a key. ``/v1/voices`` is the format of older
clients.
"""

from starlette.requests import Request
from starlette.responses import Response

from deployments.api.door import Door
from deployments.api.models.model_names import SPEECH
from deployments.api.responses import json_response


class SpeechListsEndpoint:
    def __init__(self, door: Door) -> None:
        self._door = door

    async def voices(self, request: Request) -> Response:
        return json_response(
            {
                "voices": [
                    {
                        "id": voice.id,
                        "name": voice.name,
                        "languages": voice.languages,
                        "engine": voice.engine,
                        "neural": voice.neural,
                    }
                    for voice in self._door.assistant.voices()
                ]
            }
        )

    async def legacy_voices(self, request: Request) -> Response:
        voices = self._door.assistant.voices()
        return json_response(
            {"voices": [{"voice_id": v.id, "name": v.name, "language": next(iter(v.languages), "")} for v in voices]}
        )

    async def models(self, request: Request) -> Response:
        cards = await self._door.model_names.cards()
        return json_response({"models": [{"id": card.id} for card in cards if card.kind == SPEECH]})
