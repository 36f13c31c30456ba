"""Personas, bots and presets: validation, versions, secrets and publication."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from deployments.administration.bots.service import BotDraft
from deployments.administration.llm.personas import PersonaDraft
from deployments.administration.office.composition import OfficeServices
from deployments.administration.office.drafts import version_of
from deployments.administration.office.slugs import free_slug
from deployments.administration.speech.presets import PresetDraft
from deployments.administration.widgets.service import WidgetDraft
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.instances import BotSpec
from storage.secrets import SealBroken
from tests.unit.administration.conftest import audited

pytestmark = pytest.mark.both_databases(postgres="long")

TOKEN = SecretStr("123456:AAtelegram-token_of-a-test")
DRAFT = BotDraft(name="Магазин на Ленина", token=TOKEN)


async def test_persona_is_created_changed_and_deleted(office: OfficeServices) -> None:
    draft = PersonaDraft(name="Ольга", prompts={"ru": "Ты Ольга."})
    created = await office.personas.create("olga", draft, "admin")
    renamed = await office.personas.update(
        "olga", draft.model_copy(update={"name": "Оля"}), version_of(created), "admin"
    )
    assert await office.personas.get("olga") == renamed
    assert renamed in office.publisher.current.personas
    await office.personas.delete("olga", "admin")
    assert [each.id for each in await office.personas.list()] == ["anna", "gulya", "lidia", "marina"]
    assert [action for _, action, _ in (await audited(office))[:3]] == ["delete", "update", "create"]


async def test_default_persona_cannot_be_deleted(office: OfficeServices) -> None:
    with pytest.raises(Conflict):
        await office.personas.delete("anna", "admin")
    with pytest.raises(NotFound):
        await office.personas.delete("nobody", "admin")
    with pytest.raises(ValidationError):
        PersonaDraft(name="Ольга", prompts={"ru": " "})


@pytest.mark.both_databases
async def test_bot_token_is_sealed(office: OfficeServices) -> None:
    spec = await office.bots.create(DRAFT, "admin")
    assert spec.id == "магазин-на-ленина"
    assert office.bots.unseal_token(spec) == TOKEN.get_secret_value()
    assert spec in office.publisher.current.bots
    assert TOKEN.get_secret_value() not in f"{spec!r} {spec.model_dump_json()}"


async def test_bot_update_without_token_keeps_it(office: OfficeServices) -> None:
    spec = await office.bots.create(DRAFT, "admin")
    changed = await office.bots.update(
        spec.id, DRAFT.model_copy(update={"token": None, "enabled": False}), spec.version, "admin"
    )
    assert (changed.enabled, changed.version) == (False, 2)
    assert office.bots.unseal_token(changed) == TOKEN.get_secret_value()
    with pytest.raises(Conflict):
        await office.bots.update(spec.id, DRAFT, spec.version, "marina")


async def test_bot_moved_to_another_server_needs_token(office: OfficeServices) -> None:
    spec = await office.bots.create(DRAFT, "admin")
    moved = DRAFT.model_copy(update={"token": None, "api_url": "https://evil.example"})
    with pytest.raises(InvalidRequest) as caught:
        await office.bots.update(spec.id, moved, 1, "admin")
    assert caught.value.param == "token"
    assert (await office.bots.update(spec.id, moved.model_copy(update={"token": TOKEN}), 1, "admin")).version == 2


async def test_bots_share_names_but_not_tokens(office: OfficeServices) -> None:
    first = await office.bots.create(DRAFT, "admin")
    with pytest.raises(Conflict):
        await office.bots.create(DRAFT, "admin")
    second = await office.bots.create(DRAFT.model_copy(update={"token": SecretStr("7:x")}), "admin")
    assert second.id == f"{first.id}-2"
    with pytest.raises(Conflict):
        await office.bots.update(second.id, DRAFT, 1, "admin")


@pytest.mark.parametrize(
    ("name", "slug"), [("M²", "m2"), ("Ⅻ Shop", "xii-shop"), ("૱᠐⓪", "᠐0"), ("☎", "bot"), ("a_b-c", "a_b-c")]
)
def test_bot_id_is_a_slug_of_its_name(name: str, slug: str) -> None:
    assert free_slug(name, ()) == slug


@given(name=st.text(min_size=1, max_size=100), times=st.integers(1, 3))
def test_slug_is_valid_and_unused(name: str, times: int) -> None:
    taken: list[str] = []
    for _ in range(times):
        bot_id = free_slug(name, taken)
        assert bot_id not in taken
        assert BotSpec(id=bot_id, name=name).id == bot_id
        taken.append(bot_id)


async def test_new_bot_needs_a_token(office: OfficeServices) -> None:
    with pytest.raises(InvalidRequest):
        await office.bots.create(BotDraft(name="x"), "admin")
    spec = await office.bots.create(DRAFT, "admin")
    await office.bots.delete(spec.id, "admin")
    assert await office.bots.list() == office.publisher.current.bots == ()
    with pytest.raises(NotFound):
        await office.bots.get(spec.id)


@pytest.mark.parametrize("values", [{"token": "hunter2"}, {"api_url": "ftp://x"}, {"route": "clod"}, {"name": ""}])
def test_bot_error_does_not_show_the_token(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        BotDraft.model_validate({"name": "x"} | values)
    assert "hunter2" not in str(caught.value)


def buttons(*captions: tuple[str, str]) -> list[dict[str, object]]:
    return [{"id": each, "label": label} for each, label in captions]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"action_buttons": buttons(("a", "Раз"), ("a", "Два"))}, "two buttons have the id"),
        ({"action_buttons": buttons(("a", "Раз"), ("b", " Раз "))}, "two buttons have the caption"),
        ({"action_buttons": buttons(("a", "/start"))}, "must not begin with /"),
        ({"action_buttons": buttons(("a", " "))}, "at least 1 character"),
        ({"action_buttons": buttons(("a", "x" * 65))}, "at most 64 characters"),
        ({"action_buttons": buttons(("a b", "Раз"))}, "match pattern"),
        ({"action_buttons": buttons(*((str(n), str(n)) for n in range(21)))}, "at most 20 items"),
        ({"action_buttons": [{"id": "a", "label": "Раз", "route": "mars"}]}, "unknown route"),
        ({"action_buttons": [{"id": "a", "label": "Раз", "llm_params": {"top_p": 0}}]}, "greater than 0"),
        ({"llm_params": {"temperature": 2.1}}, "less than or equal to 2"),
        ({"llm_params": {"heat": 1}}, "not permitted"),
        ({"system_prompt": "x" * 20_001}, "at most 20000 characters"),
        ({"admin_users": ["x"]}, "valid integer"),
    ],
)
def test_bot_invalid_button_or_sampling_is_rejected(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        BotDraft.model_validate({"name": "x"} | values)


def test_button_caption_is_normalized() -> None:
    draft = BotDraft.model_validate(
        {
            "name": "x",
            "action_buttons": [{"id": "a", "label": " Составить \n  ТЗ ", "icon": "✍ ", "system_prompt": None}],
        }
    )
    (button,) = draft.action_buttons
    assert (button.caption, button.system_prompt) == ("✍ Составить ТЗ", "")


@pytest.mark.both_databases
async def test_preset_in_use_cannot_be_deleted(office: OfficeServices) -> None:
    with pytest.raises(InvalidRequest, match="no speech preset") as caught:
        await office.bots.create(DRAFT.model_copy(update={"tts_preset": "мягкий"}), "admin")
    assert caught.value.param == "tts_preset"
    with pytest.raises(InvalidRequest, match="no speech preset"):
        await office.widgets.create(WidgetDraft(name="Сайт", tts_preset="мягкий"), "admin")
    await office.presets.create("мягкий", PresetDraft(), "admin")
    bot = await office.bots.create(DRAFT.model_copy(update={"tts_preset": "мягкий"}), "admin")
    widget = await office.widgets.create(WidgetDraft(name="Сайт", tts_preset="мягкий"), "admin")
    with pytest.raises(Conflict, match=f"bot {bot.id}, widget {widget.id}"):
        await office.presets.delete("мягкий", "admin")
    await office.bots.change(bot.id, {"tts_preset": "warm"}, "admin")
    await office.widgets.change(widget.id, {"tts_preset": None}, "admin")
    await office.presets.delete("мягкий", "admin")


async def test_bot_update_audits_changed_fields(office: OfficeServices) -> None:
    bot = await office.bots.create(DRAFT, "admin")
    changes = {"system_prompt": "Тайна", "action_buttons": buttons(("a", "Раз")), "typing_enabled": True}
    await office.bots.change(bot.id, changes, "admin")
    async with office.database.unit_of_work() as work:
        detail = (await work.audit.newest(1))[0].detail
    assert detail.startswith('system_prompt: "" → "Тайна"; action_buttons: [] → ')


async def test_token_sealed_with_another_key_raises(office: OfficeServices) -> None:
    spec = await office.bots.create(DRAFT, "admin")
    with pytest.raises(SealBroken):
        office.bots.unseal_token(spec.model_copy(update={"sealed_token": "v1.AAAA"}))
