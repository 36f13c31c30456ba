"""``/v1/audio/voice_consents`` and the changes of ``/v1/audio/voices``, as in the OpenAI API.

They need a key with the scope ``voices``, which sees only what it recorded itself. A recording is neither written to
disk nor decoded here: the office opens the memory that it arrived in.
"""

from datetime import datetime

from fastapi import FastAPI
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from deployments.api.door import Door
from deployments.api.errors import ClientGone
from deployments.api.request_body import RequestSchema, read_json
from deployments.api.request_context import get_request_context
from deployments.api.responses import json_response
from deployments.api.uploads import multipart_fields, text_field, uploaded_file
from deployments.contracts.errors import InvalidRequest, NotFound, Unavailable
from deployments.contracts.voice_library import (
    NewClonedVoice,
    NewVoiceConsent,
    StoredClonedVoice,
    StoredVoiceConsent,
    VoiceLibrary,
)

_DEFAULT_PAGE, _MAX_PAGE = 20, 100


class _NameBody(RequestSchema):
    name: str


class VoiceLibraryEndpoint:
    """``voices`` of ``door`` are those of ``GET /v1/audio/voices``, which needs no key."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def add_consent(self, request: Request) -> Response:
        try:
            async with multipart_fields(request) as fields:
                draft = NewVoiceConsent(
                    person=text_field(fields, "name"),
                    language=text_field(fields, "language"),
                    recording=uploaded_file(fields, "recording").reference,
                    wording=text_field(fields, "wording"),
                )
                return json_response(_consent(await self._library.add_consent(draft, _owner(request))))
        except ClientDisconnect:
            raise ClientGone from None

    async def consents(self, request: Request) -> Response:
        """A page after the id ``after``, the newest first."""
        found = await self._library.consents(_owner(request))
        limit, after = _page(request.query_params)
        ids = [consent.id for consent in found]
        if after and after not in ids:
            raise NotFound("there is no such voice consent", param="after")
        start = ids.index(after) + 1 if after else 0
        page = [_consent(consent) for consent in found[start : start + limit]]
        return json_response(
            {
                "object": "list",
                "data": page,
                "first_id": page[0]["id"] if page else None,
                "last_id": page[-1]["id"] if page else None,
                "has_more": len(found) > start + limit,
            }
        )

    async def consent(self, request: Request) -> Response:
        for consent in await self._library.consents(_owner(request)):
            if consent.id == request.path_params["id"]:
                return json_response(_consent(consent))
        raise NotFound("there is no such voice consent")

    async def rename_consent(self, request: Request) -> Response:
        body = await read_json(request.scope, request.receive, _NameBody)
        renamed = await self._library.rename_consent(request.path_params["id"], body.name, _owner(request))
        return json_response(_consent(renamed))

    async def delete_consent(self, request: Request) -> Response:
        """Revokes it: its voices stop at their next sentence."""
        await self._library.revoke_consent(request.path_params["id"], _owner(request))
        return json_response({"id": request.path_params["id"], "object": "audio.voice_consent", "deleted": True})

    async def add_voice(self, request: Request) -> Response:
        try:
            async with multipart_fields(request) as fields:
                draft = NewClonedVoice(
                    name=text_field(fields, "name"),
                    consent_id=text_field(fields, "consent"),
                    sample=uploaded_file(fields, "audio_sample").reference,
                )
                return json_response(_voice(await self._library.add_voice(draft, _owner(request))))
        except ClientDisconnect:
            raise ClientGone from None

    async def delete_voice(self, request: Request) -> Response:
        await self._library.delete_voice(request.path_params["id"], _owner(request))
        return json_response({"id": request.path_params["id"], "object": "audio.voice", "deleted": True})

    @property
    def _library(self) -> VoiceLibrary:
        if self._door.voice_library is None:
            raise Unavailable("this door accepts no voices")
        return self._door.voice_library


def add_voice_routes(app: FastAPI, door: Door) -> None:
    endpoint = VoiceLibraryEndpoint(door)
    consents, voices = "/v1/audio/voice_consents", "/v1/audio/voices"
    app.add_route(consents, endpoint.add_consent, methods=["POST"])
    app.add_route(consents, endpoint.consents, methods=["GET"])
    app.add_route(f"{consents}/{{id}}", endpoint.consent, methods=["GET"])
    app.add_route(f"{consents}/{{id}}", endpoint.rename_consent, methods=["POST"])
    app.add_route(f"{consents}/{{id}}", endpoint.delete_consent, methods=["DELETE"])
    app.add_route(voices, endpoint.add_voice, methods=["POST"])
    app.add_route(f"{voices}/{{id}}", endpoint.delete_voice, methods=["DELETE"])


def _owner(request: Request) -> str:
    return f"key {get_request_context(request.scope).required_key.id}"


def _page(query: QueryParams) -> tuple[int, str]:
    text = query.get("limit", str(_DEFAULT_PAGE))
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= _MAX_PAGE):
        raise InvalidRequest(f"limit is a number from 1 to {_MAX_PAGE}", param="limit")
    return int(text), query.get("after", "")


def _consent(consent: StoredVoiceConsent) -> dict[str, object]:
    return {
        "object": "audio.voice_consent",
        "id": consent.id,
        "name": consent.person,
        "language": consent.language,
        "created_at": _timestamp(consent.given_at),
    }


def _voice(voice: StoredClonedVoice) -> dict[str, object]:
    return {
        "object": "audio.voice",
        "id": voice.id,
        "name": voice.name,
        "created_at": _timestamp(voice.created_at),
    }


def _timestamp(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0
