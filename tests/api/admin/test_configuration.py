"""Routes of ``/configuration`` and ``/settings/history``."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deployments.administration.bots.service import BotDraft
from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.configuration.routes import configuration_router
from tests.api.admin.admin_client import admin_client, opened_office
from tests.api.admin.admin_routers import office_only_routers


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[OfficeServices]:
    async with opened_office(tmp_path) as office:
        yield office


@pytest.fixture
async def admin(office: OfficeServices) -> AsyncIterator[httpx.AsyncClient]:
    async with admin_client(
        office, lambda each: (*office_only_routers(each), configuration_router(each.transfer)), "admin"
    ) as client:
        yield client


async def test_configuration_export_imports_without_change(admin: httpx.AsyncClient, office: OfficeServices) -> None:
    await office.bots.create(BotDraft.model_validate({"name": "Shop", "token": "123:abc"}), "test")
    exported = await admin.get("/configuration/export")
    assert exported.status_code == 200
    assert "123:abc" not in exported.text
    assert "sealed" not in exported.text
    loaded = await admin.post("/configuration/import", json=exported.json())
    assert loaded.json()["applied"]
    sections = {each["section"]: each for each in loaded.json()["sections"]}
    assert set(sections) == set(exported.json()["sections"])
    changed = {name: each for name, each in sections.items() if each["created"] or each["updated"] or each["refused"]}
    assert changed == {}


async def test_configuration_dry_run_lists_and_import_applies(admin: httpx.AsyncClient, office: OfficeServices) -> None:
    chain = {"routes": ["chain:inner"], "enabled": True}
    file = {
        "sections": {
            "chains": {"outer": chain, "inner": {"routes": ["local"]}},
            "settings": {"llm": {"temperature": 0.4}},
            "bots": {"new": {"name": "New"}},
            "faq": [{"question": "Где вы?", "answer": "На Мира, 5."}],
        }
    }
    before = await office.settings.get()
    planned = (await admin.post("/configuration/import?dry_run=true", json=file)).json()
    assert not planned["applied"]
    counts = {each["section"]: (each["created"], each["updated"], len(each["refused"])) for each in planned["sections"]}
    assert counts == {"chains": (2, 0, 0), "settings": (0, 1, 0), "bots": (0, 0, 1), "faq": (1, 0, 0)}
    assert await office.settings.get() == before
    assert await office.chains.list() == ()
    loaded = (await admin.post("/configuration/import", json=file)).json()
    assert {
        each["section"]: (each["created"], each["updated"], len(each["refused"])) for each in loaded["sections"]
    } == (counts)
    assert (await office.settings.get()).llm.temperature == 0.4
    assert [each.name for each in await office.chains.list()] == ["inner", "outer"]


async def test_configuration_refuses_other_files(admin: httpx.AsyncClient) -> None:
    for body in ({}, {"sections": {}}, {"sections": {"users": {}}}, {"sections": {"faq": {}}}):
        assert (await admin.post("/configuration/import", json=body)).status_code == 400


async def test_settings_history_lists_changes_of_field(admin: httpx.AsyncClient, office: OfficeServices) -> None:
    await office.settings.update_fields({"temperature": 0.5, "top_p": 0.8}, "anna", "llm")
    await office.settings.update_fields({"temperature": 0.6}, "boris", "llm")
    history = (await admin.get("/settings/history?field=llm.temperature")).json()
    assert [(each["by"], each["old"], each["new"]) for each in history["changes"]] == [
        ("boris", "0.5", "0.6"),
        ("anna", "0.7", "0.5"),
    ]


async def test_end_sign_ins_ends_tokens(admin: httpx.AsyncClient, office: OfficeServices) -> None:
    made = await admin.post("/users", json={"username": "vera", "password": "a first password"})
    assert made.status_code == 201
    account = await office.accounts.get("vera")
    await office.tokens.issue(account, "10.0.0.1")
    assert len(office.tokens.sign_ins_of("vera")) == 1
    assert (await admin.delete("/users/vera/sign-ins")).status_code == 204
    assert office.tokens.sign_ins_of("vera") == ()
    assert (await admin.delete("/users/nobody/sign-ins")).status_code == 404
