"""Use cases bound what they are given, whoever calls them."""

from collections.abc import Awaitable, Callable

import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.contracts.chat import Overrides, SourceKind, TurnSource
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.identity import Identity, Role
from deployments.contracts.settings import Settings
from deployments.contracts.voice_library import NewClonedVoice, NewVoiceConsent
from deployments.contracts.voice_settings import Pronunciation
from storage.repositories.session_filter import SessionFilter
from tests.fakes.assistant import ScriptedAssistant

ANNA = Identity("anna", Role.VIEWER)
PANEL = TurnSource(SourceKind.ADMIN)
LONG = "x" * 600_000
ENTRY = Pronunciation(word="а", spoken="б")

CALLS: dict[str, Callable[[OfficeServices, str], Awaitable[object]]] = {
    "question": lambda o, s: o.dialogue.ask(ScriptedAssistant(), ANNA, s, LONG, Overrides()),
    "blank question": lambda o, s: o.dialogue.ask(ScriptedAssistant(), ANNA, s, " ", Overrides()),
    "edited question": lambda o, s: o.dialogue.edit(ScriptedAssistant(), ANNA, s, 1, LONG, Overrides()),
    "prompt of a turn": lambda o, s: o.dialogue.ask(ScriptedAssistant(), ANNA, s, "Hi", Overrides(LONG)),
    "title": lambda o, s: o.chat_sessions.create(ANNA, PANEL, LONG, Overrides()),
    "prompt": lambda o, s: o.chat_sessions.create(ANNA, PANEL, "", Overrides(LONG)),
    "new title": lambda o, s: o.chat_sessions.change(ANNA, s, 1, title=LONG, edit=lambda before: before),
    "search for titles": lambda o, s: o.chat_sessions.page(ANNA, SessionFilter(title=LONG), 10, 0),
    "page of conversations": lambda o, s: o.chat_sessions.page(ANNA, SessionFilter(), 10**6, 0),
    "messages": lambda o, s: o.chat_sessions.thread(ANNA, s, 10**7),
    "deleted conversations": lambda o, s: o.chat_sessions.remove(ANNA, ("x",) * 100_000),
    "search in the FAQ": lambda o, s: o.faq.list(LONG),
    "page of the FAQ": lambda o, s: o.faq.list("", None, -1),
    "offset in the FAQ": lambda o, s: o.faq.list("", None, 10, 10**20),
    "prompt of a persona": lambda o, s: o.personas.set_prompt("anna", "ru", LONG, "marina"),
    "language of a persona": lambda o, s: o.personas.set_prompt("anna", LONG, "Hi", "marina"),
    "person of a voice consent": lambda o, s: o.voice_consents.add(NewVoiceConsent(LONG, "ru", b""), "anna"),
    "wording of a voice consent": lambda o, s: o.voice_consents.add(NewVoiceConsent("A", "ru", b"", LONG), "anna"),
    "language of a voice consent": lambda o, s: o.voice_consents.add(NewVoiceConsent("A", LONG, b""), "anna"),
    "name of a cloned voice": lambda o, s: o.cloned_voices.add(NewClonedVoice(LONG, "cons_1", b""), "anna"),
    "dictionary": lambda o, s: o.voices.set_pronunciations("v", (ENTRY,) * 1_001, 0, "anna"),
    "owner of a key": lambda o, s: o.keys.create("site", ("chat",), "marina", owner=LONG),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_use_case_refuses_what_is_too_large(
    office: OfficeServices, call: Callable[[OfficeServices, str], Awaitable[object]]
) -> None:
    session = await office.chat_sessions.create(ANNA, PANEL, "", Overrides())
    with pytest.raises(InvalidRequest):
        await call(office, session.id)


def test_every_setting_states_who_may_change_it() -> None:
    """A new setting is an administrator's until it is listed here and in OPERATOR_FIELDS."""
    from deployments.administration.settings.service import OPERATOR_FIELDS

    assert set(_paths(Settings())) - OPERATOR_FIELDS == {
        "llm.history_tokens",
        *(f"llm.{name}_timeout_s" for name in ("connect", "first_token", "idle", "total")),
        *("speech.max_input_chars", "speech.cache_mb", "speech.ready_answers_mb"),
        *(f"{group}.{name}" for group in ("models", "limits", "outbound", "privacy") for name in _names(group)),
    }
    assert set(_paths(Settings())) >= OPERATOR_FIELDS


def _names(group: str) -> list[str]:
    return list(type(getattr(Settings(), group)).model_fields)


def _paths(settings: Settings) -> list[str]:
    groups = {name: getattr(settings, name) for name in Settings.model_fields}
    return [
        path
        for name, value in groups.items()
        for path in (
            [f"{name}.{inner}" for inner in type(value).model_fields] if hasattr(value, "model_fields") else [name]
        )
    ]
