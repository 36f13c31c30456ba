"""Conversations of bots and widgets: one running conversation for each person and source."""

from dataclasses import replace

import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.contracts.chat import SourceKind, TurnSource

pytestmark = pytest.mark.both_databases(postgres="long")


async def test_person_has_one_conversation_per_source(office: OfficeServices) -> None:
    shop, support = TurnSource(SourceKind.TELEGRAM, "shop"), TurnSource(SourceKind.TELEGRAM, "help")
    first = await office.conversations.open(shop, "42", "Иван")
    assert await office.conversations.open(shop, "42") == first
    assert (await office.conversations.open(support, "42")).session_id != first.session_id
    assert (await office.conversations.open(shop, "43")).session_id != first.session_id
    second = await office.conversations.restart(shop, "42")
    assert second.session_id != first.session_id
    assert await office.conversations.open(shop, "42") == second


@pytest.mark.both_databases
async def test_mode_ends_with_the_conversation(office: OfficeServices) -> None:
    shop, support = TurnSource(SourceKind.TELEGRAM, "shop"), TurnSource(SourceKind.TELEGRAM, "help")
    await office.conversations.set_mode(shop, "42", "")
    assert await office.conversations.count(shop) == 0, "leaving a mode begins nothing"
    await office.conversations.set_mode(shop, "42", "brief", "Иван")
    await office.conversations.open(shop, "43")
    opened = await office.conversations.open(shop, "42")
    assert (opened.mode, (await office.conversations.open(shop, "43")).mode) == ("brief", "")
    assert (await office.conversations.open(support, "42")).mode == ""
    assert await office.conversations.count(shop) == 2
    await office.conversations.set_mode(shop, "42", "long")
    assert await office.conversations.open(shop, "42") == replace(opened, mode="long")
    assert (await office.conversations.restart(shop, "42")).mode == ""
    assert (await office.conversations.open(shop, "42")).mode == ""
