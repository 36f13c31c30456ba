"""``WS /admin/stt/ws/stream``: a live session of speech recognition, with the messages of the phone's ``WS /stt``."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.websockets import WebSocket

from deployments.api.admin.speech.office_speech import OfficeSpeech
from deployments.api.gate import client_error
from deployments.api.hearing.messages import hearing_error
from deployments.api.hearing.socket_session import HearingSettings, Idle, SocketHearing, wait_for_start
from deployments.api.phone.websocket_line import WebSocketInput, WebSocketOutput
from deployments.api.request_body import CLIENT_TIMEOUT_S
from deployments.api.request_context import new_request_id
from deployments.telephony.playback import LineClosed

_CLOSE_NORMAL, _CLOSE_TRY_AGAIN, _CLOSE_INVALID, _CLOSE_IDLE = 1000, 1013, 4400, 4408


def listening_router(speech: OfficeSpeech, settings: HearingSettings | None = None) -> APIRouter:
    router = APIRouter(prefix="/stt", tags=["stt"])
    chosen = settings or HearingSettings()

    @router.websocket("/ws/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        messages, output = WebSocketInput(socket), WebSocketOutput(socket, CLIENT_TIMEOUT_S)
        try:
            request = await wait_for_start(messages, chosen)
            async with speech.stream_slot():
                await SocketHearing(speech.assistant, messages, output, chosen).run(request)
            await output.close(_CLOSE_NORMAL, "finished")
        except Idle:
            await output.close(_CLOSE_IDLE, "idle")
        except LineClosed:
            return
        except Exception as error:
            known = client_error(error, new_request_id(), response_started=False)
            await _close(output, hearing_error(known), _CLOSE_TRY_AGAIN if known.retryable else _CLOSE_INVALID)
        finally:
            await messages.close()

    return router


async def _close(output: WebSocketOutput, message: Mapping[str, object], code: int) -> None:
    try:
        await output.send_message(message)
    except LineClosed:
        return
    await output.close(code, str(message["code"]))
