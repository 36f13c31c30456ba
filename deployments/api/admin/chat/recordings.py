"""Routes of the recordings of a stored conversation."""

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from deployments.administration.chat.recordings import ConversationRecordings, StoredRecording, playable_type
from deployments.api.admin.openapi_document import response_media_types
from deployments.api.admin.request_identity import Caller


class RecordingReply(BaseModel):
    id: str
    turn_id: str
    media_type: str
    seconds: float
    size_bytes: int
    transcript: str
    created_at: AwareDatetime | None

    @classmethod
    def of(cls, recording: StoredRecording) -> "RecordingReply":
        return cls(
            id=recording.id,
            turn_id=recording.turn_id,
            media_type=playable_type(recording),
            seconds=recording.seconds,
            size_bytes=recording.size_bytes,
            transcript=recording.transcript,
            created_at=recording.created_at,
        )


class RecordingList(BaseModel):
    recordings: list[RecordingReply]


def recordings_router(recordings: ConversationRecordings) -> APIRouter:
    router = APIRouter(prefix="/chat/sessions/{session_id}/recordings", tags=["chat"])

    @router.get("")
    async def of_session(session_id: str, caller: Caller) -> RecordingList:
        """What the person said, the oldest first."""
        found = await recordings.of_session(caller, session_id)
        return RecordingList(recordings=[RecordingReply.of(each) for each in found])

    @router.get("/{recording_id}", response_class=Response, responses=response_media_types("audio/*"))
    async def sound(session_id: str, recording_id: str, caller: Caller) -> Response:
        """The file as it came."""
        recording, audio = await recordings.read(caller, session_id, recording_id)
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return Response(audio, media_type=playable_type(recording), headers=headers)

    return router
