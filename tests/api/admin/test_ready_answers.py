"""Ready answers over the admin API: listed with their states, made again, cleared."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deployments.administration.audit.audit_recorder import AuditRecorder
from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.speech.ready_answers import ready_answers_router
from deployments.conversation.ready.maker import ReadyAnswers
from tests.api.admin.admin_client import admin_client
from tests.api.admin.admin_routers import ready_answers_of
from tests.api.admin.scripted_secretary import scripted_secretary

_PATH = "/tts/ready-answers"


@pytest.fixture
async def ready(office: OfficeServices, tmp_path: Path) -> ReadyAnswers:
    return ready_answers_of(await scripted_secretary(office), tmp_path / "ready")


@pytest.fixture
async def client(office: OfficeServices, ready: ReadyAnswers) -> AsyncIterator[httpx.AsyncClient]:
    recorder = AuditRecorder(office.database)
    async with admin_client(office, lambda _: [ready_answers_router(ready, recorder)], "operator") as client:
        yield client
    await recorder.close()


async def test_ready_answers_are_listed_remade_and_cleared(client: httpx.AsyncClient, ready: ReadyAnswers) -> None:
    assert (await client.get(_PATH)).json()["total"] == 0
    await ready.work()
    listed = (await client.get(_PATH, params={"limit": 2})).json()
    assert len(listed["answers"]) == 2 < listed["total"]
    assert listed["phrases"]["waiting"] == listed["phrases"]["failed"] == 0
    assert listed["bytes"] == ready.size > 0
    first = listed["answers"][0]
    assert (first["state"], first["phrases_ready"], first["error"]) == ("ready", first["phrases"], "")
    remade = await client.post(f"{_PATH}/{first['source']}/{first['id']}/remake")
    assert remade.json()["removed"] >= first["phrases"]
    assert (await client.get(_PATH, params={"state": "waiting"})).json()["total"] >= 1
    await ready.work()
    assert (await client.get(_PATH, params={"state": "waiting"})).json()["total"] == 0
    assert (await client.delete(_PATH)).json()["removed"] == listed["phrases"]["ready"]
    assert (await client.get(_PATH)).json()["bytes"] == 0
    assert (await client.post(f"{_PATH}/faq/none/remake")).status_code == 404
