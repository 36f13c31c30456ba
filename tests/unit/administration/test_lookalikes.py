"""Names that look like those of others."""

import pytest
from pydantic import SecretStr

from deployments.administration.bots.service import BotDraft
from deployments.administration.llm.personas import PersonaDraft
from deployments.administration.office.composition import OfficeServices
from deployments.administration.office.drafts import version_of
from deployments.administration.office.lookalikes import require_distinct_name
from deployments.contracts.errors import Conflict, InvalidRequest, SecretaryError
from deployments.contracts.identity import Role

EXISTING = ("admin", "copy", "Аренда", "marina")


@pytest.mark.parametrize(
    "name",
    [
        "аdmin",
        "аԁmіn",
        "сору",
        "сорy",
        "ɑdmin",
        "αdmin",
        "ａdmin",
        "adm\u200bin",
        "mаrinа",
        "Apенда",
        "𝐚dmin",
    ],
)
def test_name_that_looks_like_another_is_refused(name: str) -> None:
    with pytest.raises(SecretaryError) as caught:
        require_distinct_name(name, EXISTING, "username")
    assert isinstance(caught.value, Conflict | InvalidRequest)
    assert caught.value.param == "username"


@pytest.mark.parametrize(
    "name",
    [
        "марина",
        "сергей",
        "ольга.й",
        "ёлкин",
        "it-отдел",
        "1с",
        "ivan2",
        "иван@example.org",
        "jürgen",
        "admin",
        "小明",
        "Νίκος",
    ],
)
def test_honest_name_is_accepted(name: str) -> None:
    require_distinct_name(name, EXISTING, "username")


async def test_user_and_key_with_lookalike_name_are_refused(office: OfficeServices) -> None:
    with pytest.raises(InvalidRequest):
        await office.users.create("аdmin", Role.VIEWER, None, "admin")
    await office.users.create("copy", Role.VIEWER, None, "admin")
    with pytest.raises(Conflict):
        await office.users.create("сору", Role.VIEWER, None, "admin")
    await office.keys.create("copy", ("chat",), "admin")
    with pytest.raises(Conflict):
        await office.keys.create("сору", ("chat",), "admin")


async def test_bot_and_persona_with_lookalike_name_are_refused(office: OfficeServices) -> None:
    def bot(name: str, token: int) -> BotDraft:
        return BotDraft(name=name, token=SecretStr(f"{token}:token"))

    await office.bots.create(bot("Support 🗣️", 1), "admin")
    other = await office.bots.create(bot("Аренда", 2), "admin")
    persona = await office.personas.create("copy", PersonaDraft(name="copy", prompts={"en": "x"}), "admin")
    for name, error in (("Suрроrt 🗣", InvalidRequest), ("support 🗣", Conflict), ("Sup\u200bport", InvalidRequest)):
        with pytest.raises(error):
            await office.bots.create(bot(name, 3), "admin")
        with pytest.raises(error):
            await office.bots.change(other.id, {"name": name}, "admin")
    with pytest.raises(Conflict):
        await office.personas.create("other", PersonaDraft(name="сору", prompts={"en": "x"}), "admin")
    second = await office.personas.create("other", PersonaDraft(name="other", prompts={"en": "x"}), "admin")
    draft = PersonaDraft(name="сору", prompts={"en": "x"})
    with pytest.raises(Conflict, match="looks like"):
        await office.personas.update("other", draft, version_of(second), "admin")
    await office.personas.set_prompt("copy", "en", "y", "admin", version_of(persona))
