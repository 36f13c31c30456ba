"""Recordings of voice messages: kept when the settings say so, heard by those who see the conversation, deleted with
it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.chat.recordings import recordings_router
from deployments.api.admin.chat.routes import chat_router
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.identity import Role
from deployments.contracts.sessions import HeardMessage
from tests.api.admin.admin_client import admin_client, opened_office
from tests.fakes.assistant import ScriptedAssistant

SHOP = TurnSource(SourceKind.TELEGRAM, "shop")


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[OfficeServices]:
    async with opened_office(tmp_path) as office:
        await office.settings.update_fields({"keep_recordings": True}, "anna", "privacy", role=Role.ADMIN)
        yield office


def call_as(office: OfficeServices, role: str = "operator"):
    chat = chat_router(office.chat_sessions, office.dialogue, ScriptedAssistant())
    return admin_client(office, lambda o: [chat, recordings_router(o.recordings)], role)


async def keep(office: OfficeServices, media_type: str = "audio/ogg") -> str:
    """Keeps a recording in a conversation. Returns the id of the conversation."""
    opened = await office.conversations.open(SHOP, "42", "Иван")
    heard = HeardMessage(opened.session_id, "turn-1", b"OggS said", media_type, 2.5, "какой у вас адрес")
    await office.conversations.keep_recording(heard)
    return opened.session_id


async def test_recordings_are_off_by_default(tmp_path: Path) -> None:
    async with opened_office(tmp_path) as office:
        session_id = await keep(office)
        async with call_as(office) as client:
            found = (await client.get(f"/chat/sessions/{session_id}/recordings")).json()["recordings"]
    assert (found, (tmp_path / "data" / "recordings").exists()) == ([], False)


async def test_recording_is_heard_by_who_sees_the_conversation(office: OfficeServices) -> None:
    path = f"/chat/sessions/{await keep(office)}/recordings"
    async with call_as(office) as client:
        (one,) = (await client.get(path)).json()["recordings"]
        sound = await client.get(f"{path}/{one['id']}")
        elsewhere = await client.get(f"{path}/{'0' * 32}")
    assert (one["turn_id"], one["seconds"], one["transcript"]) == ("turn-1", 2.5, "какой у вас адрес")
    assert (sound.content, sound.headers["content-type"]) == (b"OggS said", "audio/ogg")
    assert elsewhere.status_code == 404
    async with call_as(office, "viewer") as client:
        assert (await client.get(path)).status_code == 404
        assert (await client.get(f"{path}/{one['id']}")).status_code == 404


async def test_type_chosen_by_the_sender_is_not_passed_on(office: OfficeServices) -> None:
    path = f"/chat/sessions/{await keep(office, 'text/html' + 'x' * 100)}/recordings"
    async with call_as(office) as client:
        (one,) = (await client.get(path)).json()["recordings"]
        sound = await client.get(f"{path}/{one['id']}")
    assert sound.headers["content-type"] == "application/octet-stream"


async def test_recording_is_deleted_with_its_conversation(office: OfficeServices, tmp_path: Path) -> None:
    session_id = await keep(office)
    (file,) = (tmp_path / "data" / "recordings").iterdir()
    async with call_as(office) as client:
        assert (await client.delete(f"/chat/sessions/{session_id}")).status_code == 200
    assert not file.exists()
    await office.conversations.keep_recording(HeardMessage(session_id, "turn-2", b"late", "audio/ogg", 1, "поздно"))
    assert list((tmp_path / "data" / "recordings").iterdir()) == []


async def test_recording_that_cannot_be_written_leaves_no_row(office: OfficeServices, tmp_path: Path) -> None:
    (tmp_path / "data" / "recordings").write_bytes(b"not a folder")
    opened = await office.conversations.open(SHOP, "42", "Иван")
    with pytest.raises(OSError):
        await keep(office)
    async with call_as(office) as client:
        assert (await client.get(f"/chat/sessions/{opened.session_id}/recordings")).json() == {"recordings": []}
