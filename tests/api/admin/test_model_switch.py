"""Routes of ``/llm/models``: the model of a local deployment is switched, kept when the new one fails, and stored."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.llm.models import models_router
from deployments.gpu_memory.cards import Card
from deployments.gpu_memory.memory_need import GIB
from storage.database import Database
from tests.api.admin.admin_client import admin_client
from tests.api.admin.scripted_secretary import scripted_secretary
from tests.unit.administration.conftest import audited
from tests.unit.administration.switching_replica import RunningReplica, SwitchOffice, install_gguf, model_store
from tests.waiting import wait_until


@pytest.fixture
async def switching(office: OfficeServices, tmp_path: Path) -> SwitchOffice:
    return await SwitchOffice(office.database, model_store(tmp_path / "models", "m-1", "m-2", "m-3")).open()


@pytest.fixture
async def http(office: OfficeServices, switching: SwitchOffice) -> AsyncIterator[httpx.AsyncClient]:
    assistant = await scripted_secretary(office)
    routers = [models_router(office.settings, office.publisher, assistant, office.providers, switching.models)]
    async with admin_client(office, lambda o: routers) as client:
        yield client


async def switch(http: httpx.AsyncClient, model: str | None) -> httpx.Response:
    return await http.post("/llm/models/chat/switch", json={"model": model})


async def local(http: httpx.AsyncClient) -> dict:
    (found,) = (await http.get("/llm/models")).json()["local"]
    return dict(found)


async def wait_for_report(office: SwitchOffice, count: int = 1) -> None:
    await wait_until(
        lambda: [r.generation for r in office.registry.replicas("chat")] == [0] * count,
    )


async def wait_for_draining_report(office: SwitchOffice) -> None:
    await wait_until(lambda: any(r.hosted and r.hosted.draining for r in office.registry.replicas("chat")))


def outcome(office: SwitchOffice) -> str:
    record = office.switch.record("chat")
    return record.state if record is not None else ""


async def test_model_is_switched_there_and_back(
    http: httpx.AsyncClient, switching: SwitchOffice, office: OfficeServices
) -> None:
    async with RunningReplica(switching, "1") as replica:
        await wait_for_report(switching)
        reply = await switch(http, "m-2")
        assert (reply.status_code, reply.json()["wanted"]) == (202, "m-2")
        await wait_until(lambda: outcome(switching) == "finished")
        view = await local(http)
        assert (view["hosted"], view["model"], view["switch"]["by"]) == ("m-2", "m-2", "admin")
        assert [each["id"] for each in view["options"] if each["hosted"]] == ["m-2"]
        assert switching.registry.models_in_use() == {"m-2": "chat"}
        assert (await switch(http, None)).status_code == 202
        await wait_until(lambda: outcome(switching) == "finished")
        assert (replica.loads, switching.wanted()) == (["m-1", "m-2", "m-1"], "")
    actions = [(action, resource) for _, action, resource in await audited(office)]
    assert actions[:4] == [("switch_finished", "local_model"), ("switch", "local_model")] * 2


async def test_failed_switch_keeps_the_model_in_all_replicas(http: httpx.AsyncClient, switching: SwitchOffice) -> None:
    async with RunningReplica(switching, "1") as one, RunningReplica(switching, "2") as two:
        await wait_for_report(switching, 2)
        two.broken = {"m-2"}
        await switch(http, "m-2")
        await wait_until(lambda: outcome(switching) == "failed")
        await wait_until(lambda: {one.hosted().model, two.hosted().model} == {""} and not one.hosted().switching_to)
        view = await local(http)
        assert (view["wanted"], view["switch"]["error"], view["switch"]["remedy"]) == (
            "",
            "m-2 does not load",
            "mend it",
        )
        two.broken = set()
        await switch(http, "m-2")
        await wait_until(lambda: outcome(switching) == "finished")
        assert {one.hosted().model, two.hosted().model} == {"m-2"}


async def test_replicas_switch_one_after_the_other(http: httpx.AsyncClient, switching: SwitchOffice) -> None:
    async with RunningReplica(switching, "1") as one, RunningReplica(switching, "2") as two:
        await wait_for_report(switching, 2)
        one.idle.clear()
        two.idle.clear()
        await switch(http, "m-2")
        await wait_until(lambda: one.hosted().draining or two.hosted().draining)
        first, second = (one, two) if one.hosted().draining else (two, one)
        assert second.hosted().switching_to is None
        await wait_for_draining_report(switching)
        assert (await local(http))["progress"] == "waiting for 2 running answers"
        first.idle.set()
        await wait_until(lambda: second.hosted().draining)
        assert first.hosted().model == "m-2"
        second.idle.set()
        await wait_until(lambda: outcome(switching) == "finished")


async def test_switch_is_cancelled_while_draining(http: httpx.AsyncClient, switching: SwitchOffice) -> None:
    async with RunningReplica(switching, "1") as replica:
        await wait_for_report(switching)
        assert (await http.post("/llm/models/chat/switch/cancel")).status_code == 409
        replica.idle.clear()
        await switch(http, "m-2")
        await wait_until(lambda: replica.hosted().draining)
        assert (await switch(http, "m-3")).status_code == 409
        await wait_for_draining_report(switching)
        assert (await http.post("/llm/models/chat/switch/cancel")).json()["switch"]["state"] == "cancelled"
        await wait_until(lambda: replica.hosted().switching_to is None)
        assert (replica.loads, switching.wanted(), outcome(switching)) == (["m-1"], "", "cancelled")


async def test_switch_survives_office_and_replica_restart(switching: SwitchOffice, database: Database) -> None:
    async with RunningReplica(switching, "1") as replica:
        await wait_for_report(switching)
        replica.idle.clear()
        await switching.switch.switch("chat", "m-2", "anna")
        await wait_until(lambda: replica.hosted().draining)
    after = await SwitchOffice(switching.database, switching.store).open()
    async with RunningReplica(after, "1") as replica:
        await wait_until(lambda: outcome(after) == "finished")
        assert (replica.hosted().model, after.wanted()) == ("m-2", "m-2")


@pytest.mark.parametrize(
    ("service", "model", "status", "text"),
    [
        ("nobody", "m-2", 404, "known: chat"),
        ("voice", "m-2", 404, "known: chat"),
        ("chat", "", 409, "has the model of the graph already"),
        ("chat", "qwen2.5-7b-instruct-awq", 409, "secretary models pull qwen2.5-7b-instruct-awq"),
        ("chat", "nobody", 404, "no model 'nobody'"),
        ("chat", "folder", 409, "neither a GGUF file nor"),
        ("chat", "../m-2", 404, "model"),
        ("chat", ".partial", 404, "model"),
    ],
)
async def test_wrong_switch_changes_nothing(
    http: httpx.AsyncClient, switching: SwitchOffice, service: str, model: str, status: int, text: str
) -> None:
    install_gguf(switching.store, "folder")
    folder = switching.store.directory("folder")
    (folder / "folder.gguf").rename(folder / "weights")
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("folder.gguf", "weights"))
    async with RunningReplica(switching, "1"):
        await wait_for_report(switching)
        reply = await http.post(f"/llm/models/{service}/switch", json={"model": model})
        assert (reply.status_code, text in reply.text) == (status, True), reply.text
        assert (switching.wanted(), outcome(switching)) == ("", "")


async def test_stopped_or_silent_service_is_not_switched(http: httpx.AsyncClient, switching: SwitchOffice) -> None:
    assert (await switch(http, "m-2")).status_code == 503
    async with RunningReplica(switching, "1"):
        await wait_for_report(switching)
        await switching.control.act("chat", "stop", "anna")
        assert "start it first" in (await switch(http, "m-2")).text


async def test_options_show_what_is_installed_and_fits(http: httpx.AsyncClient, switching: SwitchOffice) -> None:
    switching.card = Card("0", "test", 8 * GIB, 8 * GIB)
    install_gguf(switching.store, "broken", b"GGUF")
    async with RunningReplica(switching, "1", ("0",)):
        await wait_for_report(switching)
        options = {each["id"]: each for each in (await local(http))["options"]}
    qwen, deepseek = options["qwen2.5-7b-instruct-awq"], options["deepseek-llm-7b-chat"]
    assert (qwen["installed"], qwen["fits"], qwen["engine"], "ru" in qwen["languages"]) == (False, True, "vllm", True)
    assert (deepseek["fits"], "choose a smaller" in deepseek["reason"]) == (False, True)
    assert deepseek["memory_needed"] > deepseek["memory_free"] > 0
    assert (options["m-2"]["installed"], options["m-2"]["fits"]) == (True, True)
    assert (options["broken"]["fits"], "broken.gguf" in options["broken"]["reason"]) == (None, True)
    assert "whisper-base" not in options
