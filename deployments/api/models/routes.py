"""``GET /v1/models`` and ``GET /v1/models/{id}``."""

from starlette.requests import Request
from starlette.responses import Response

from deployments.api.door import Door
from deployments.api.models.model_names import ModelCard
from deployments.api.responses import json_response


class ModelsEndpoint:
    def __init__(self, door: Door) -> None:
        self._door = door
        self._created = int(door.clock())

    async def list(self, request: Request) -> Response:
        cards = await self._door.model_names.cards()
        return json_response({"object": "list", "data": [self._fields(card) for card in cards]})

    async def retrieve(self, request: Request) -> Response:
        """One model; its id may contain slashes."""
        return json_response(self._fields(await self._door.model_names.card(request.path_params["id"])))

    def _fields(self, card: ModelCard) -> dict[str, object]:
        return {
            "id": card.id,
            "object": "model",
            "created": self._created,
            "owned_by": card.owner,
            "kind": card.kind,
            "description": card.description,
        }
