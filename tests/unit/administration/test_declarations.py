from dataclasses import replace
from datetime import UTC, datetime, timedelta

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
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound
from deployments.contracts.instances import BotSpec
from deployments.contracts.settings import FaqSettings, Settings
from storage.secrets import SealBroken, key_digest
from tests.unit.administration.conftest import API_KEY, audited

pytestmark = pytest.mark.both_databases

TOKEN = SecretStr("123456:AAtelegram-token_of-a-test")
DRAFT = BotDraft(name="Магазин на Ленина", token=TOKEN)


async def test_a_key_is_shown_once_stored_as_digest_and_published(office: OfficeServices) -> None:
    key, plain = await office.keys.create("site", ("chat",), "admin")
    assert key.digest == key_digest(plain)
    assert key in await office.keys.list()
    assert key in office.publisher.current.api_keys
    assert plain not in repr(key)


async def test_a_revoked_key_leaves_the_snapshot_for_good(office: OfficeServices) -> None:
    key, _ = await office.keys.create("site", ("chat",), "admin")
    await office.keys.revoke(key.id, "admin")
    assert key.id not in {each.id for each in office.publisher.current.api_keys}
    with pytest.raises(NotFound):
        await office.keys.revoke(key.id, "admin")
    assert key_digest(API_KEY) in {each.digest for each in office.publisher.current.api_keys}


@pytest.mark.parametrize(
    ("name", "scopes", "expires_at"),
    [
        ("", ("chat",), None),
        ("x" * 101, ("chat",), None),
        ("site", (), None),
        ("site", ("admin",), None),
        ("site", ("chat",), datetime.now(UTC) - timedelta(days=1)),
    ],
)
async def test_a_key_that_cannot_work_is_refused(
    office: OfficeServices, name: str, scopes: tuple[str, ...], expires_at: datetime | None
) -> None:
    with pytest.raises(InvalidRequest):
        await office.keys.create(name, scopes, "admin", expires_at)


async def test_changed_settings_are_published_and_audited(office: OfficeServices) -> None:
    wanted = Settings(default_language="en", faq=FaqSettings(ranked_threshold=90))
    await office.settings.update(wanted, office.publisher.current.revision, "admin")
    assert await office.settings.get() == office.publisher.current.settings == wanted
    async with office.database.unit_of_work() as work:
        assert (await work.audit.newest(1))[
            0
        ].detail == 'default_language: "ru" → "en"; faq.ranked_threshold: 82.0 → 90.0'


async def test_settings_conflict_with_other_settings_only(office: OfficeServices) -> None:
    read_at = office.publisher.current.revision
    await office.keys.create("site", ("chat",), "admin")
    await office.settings.update(Settings(default_language="en"), read_at, "anna")
    with pytest.raises(Conflict):
        await office.settings.update(Settings(default_language="de"), read_at, "marina")
    assert (await office.settings.get()).default_language == "en"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../etc/passwd"),
        ("time_zone", ""),
        ("default_route", "clod:x"),
        ("default_route", ""),
        ("default_persona", "nobody"),
    ],
)
async def test_settings_that_cannot_work_are_refused_by_name(office: OfficeServices, field: str, value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await office.settings.update(Settings.model_validate({field: value}), 1, "admin")
    assert caught.value.param == field
    assert await office.settings.get() == Settings()


async def test_a_persona_can_be_made_changed_and_deleted(office: OfficeServices) -> None:
    draft = PersonaDraft(name="Ольга", prompts={"ru": "Ты Ольга."})
    created = await office.personas.create("olga", draft, "admin")
    renamed = await office.personas.update(
        "olga", draft.model_copy(update={"name": "Оля"}), version_of(created), "admin"
    )
    assert await office.personas.get("olga") == renamed
    assert renamed in office.publisher.current.personas
    await office.personas.delete("olga", "admin")
    assert [each.id for each in await office.personas.list()] == ["anna", "marina"]
    assert [action for _, action, _ in (await audited(office))[:3]] == ["delete", "update", "create"]


async def test_the_default_persona_stays_and_an_empty_one_is_refused(office: OfficeServices) -> None:
    with pytest.raises(Conflict):
        await office.personas.delete("anna", "admin")
    with pytest.raises(NotFound):
        await office.personas.delete("nobody", "admin")
    with pytest.raises(ValidationError):
        PersonaDraft(name="Ольга", prompts={"ru": " "})


async def test_a_bot_is_declared_with_a_sealed_token(office: OfficeServices) -> None:
    spec = await office.bots.create(DRAFT, "admin")
    assert spec.id == "магазин-на-ленина"
    assert office.bots.unseal_token(spec) == TOKEN.get_secret_value()
    assert spec in office.publisher.current.bots
    assert TOKEN.get_secret_value() not in f"{spec!r} {spec.model_dump_json()}"


async def test_a_bot_keeps_its_token_when_the_draft_names_none(office: OfficeServices) -> None:
    spec = await office.bots.create(DRAFT, "admin")
    changed = await office.bots.update(
        spec.id, DRAFT.model_copy(update={"token": None, "enabled": False}), spec.version, "admin"
    )
    assert (changed.enabled, changed.version) == (False, 2)
    assert office.bots.unseal_token(changed) == TOKEN.get_secret_value()
    with pytest.raises(Conflict):
        await office.bots.update(spec.id, DRAFT, spec.version, "marina")


async def test_a_stored_token_is_not_sent_to_another_server(office: OfficeServices) -> None:
    spec = await office.bots.create(DRAFT, "admin")
    moved = DRAFT.model_copy(update={"token": None, "api_url": "https://evil.example"})
    with pytest.raises(InvalidRequest) as caught:
        await office.bots.update(spec.id, moved, 1, "admin")
    assert caught.value.param == "token"
    assert (await office.bots.update(spec.id, moved.model_copy(update={"token": TOKEN}), 1, "admin")).version == 2


async def test_two_bots_never_share_a_token_but_may_share_a_name(office: OfficeServices) -> None:
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
async def test_a_bot_may_have_an_odd_name(office: OfficeServices, name: str, slug: str) -> None:
    assert (await office.bots.create(BotDraft(name=name, token=TOKEN), "admin")).id == slug


@given(name=st.text(min_size=1, max_size=100), times=st.integers(1, 3))
def test_whatever_a_bot_is_called_its_id_is_one_and_free(name: str, times: int) -> None:
    taken: list[str] = []
    for _ in range(times):
        bot_id = free_slug(name, taken)
        assert bot_id not in taken
        assert BotSpec(id=bot_id, name=name).id == bot_id
        taken.append(bot_id)


async def test_a_bot_needs_a_token_and_can_be_deleted(office: OfficeServices) -> None:
    with pytest.raises(InvalidRequest):
        await office.bots.create(BotDraft(name="x"), "admin")
    spec = await office.bots.create(DRAFT, "admin")
    await office.bots.delete(spec.id, "admin")
    assert await office.bots.list() == office.publisher.current.bots == ()
    with pytest.raises(NotFound):
        await office.bots.get(spec.id)


@pytest.mark.parametrize("values", [{"token": "hunter2"}, {"api_url": "ftp://x"}, {"route": "clod"}, {"name": ""}])
def test_a_bot_that_cannot_work_is_refused_without_showing_its_token(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        BotDraft.model_validate({"name": "x"} | values)
    assert "hunter2" not in str(caught.value)


def buttons(*captions: tuple[str, str]) -> list[dict[str, object]]:
    return [{"id": each, "label": label} for each, label in captions]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"action_buttons": buttons(("a", "Раз"), ("a", "Два"))}, "two buttons have the id"),
        ({"action_buttons": buttons(("a", "Раз"), ("b", " Раз "))}, "two buttons have the caption"),
        ({"action_buttons": buttons(("a", "/start"))}, "is a command"),
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
def test_a_bot_with_buttons_or_sampling_that_cannot_work_is_refused(values: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        BotDraft.model_validate({"name": "x"} | values)


def test_a_button_is_written_as_people_see_it() -> None:
    draft = BotDraft.model_validate(
        {
            "name": "x",
            "action_buttons": [{"id": "a", "label": " Составить \n  ТЗ ", "icon": "✍ ", "system_prompt": None}],
        }
    )
    (button,) = draft.action_buttons
    assert (button.caption, button.system_prompt) == ("✍ Составить ТЗ", "")


async def test_a_speech_preset_that_a_bot_or_a_widget_uses_exists_and_stays(office: OfficeServices) -> None:
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


async def test_the_trail_names_what_was_changed_of_a_bot(office: OfficeServices) -> None:
    bot = await office.bots.create(DRAFT, "admin")
    changes = {"system_prompt": "Тайна", "action_buttons": buttons(("a", "Раз")), "typing_enabled": True}
    await office.bots.change(bot.id, changes, "admin")
    async with office.database.unit_of_work() as work:
        assert (await work.audit.newest(1))[0].detail == "system_prompt, action_buttons"


async def test_a_token_sealed_elsewhere_does_not_open(office: OfficeServices) -> None:
    spec = await office.bots.create(DRAFT, "admin")
    with pytest.raises(SealBroken):
        office.bots.unseal_token(spec.model_copy(update={"sealed_token": "v1.AAAA"}))


async def test_a_person_keeps_one_conversation_per_source_until_a_restart(office: OfficeServices) -> None:
    shop, help_desk = TurnSource(SourceKind.TELEGRAM, "shop"), TurnSource(SourceKind.TELEGRAM, "help")
    first = await office.conversations.open(shop, "42", "Иван")
    assert await office.conversations.open(shop, "42") == first
    assert (await office.conversations.open(help_desk, "42")).session_id != first.session_id
    assert (await office.conversations.open(shop, "43")).session_id != first.session_id
    second = await office.conversations.restart(shop, "42")
    assert second.session_id != first.session_id
    assert await office.conversations.open(shop, "42") == second


async def test_a_mode_lasts_as_long_as_the_conversation(office: OfficeServices) -> None:
    shop, help_desk = TurnSource(SourceKind.TELEGRAM, "shop"), TurnSource(SourceKind.TELEGRAM, "help")
    await office.conversations.set_mode(shop, "42", "")
    assert await office.conversations.count(shop) == 0, "leaving a mode begins nothing"
    await office.conversations.set_mode(shop, "42", "brief", "Иван")
    await office.conversations.open(shop, "43")
    opened = await office.conversations.open(shop, "42")
    assert (opened.mode, (await office.conversations.open(shop, "43")).mode) == ("brief", "")
    assert (await office.conversations.open(help_desk, "42")).mode == ""
    assert await office.conversations.count(shop) == 2
    await office.conversations.set_mode(shop, "42", "long")
    assert await office.conversations.open(shop, "42") == replace(opened, mode="long")
    assert (await office.conversations.restart(shop, "42")).mode == ""
    assert (await office.conversations.open(shop, "42")).mode == ""
