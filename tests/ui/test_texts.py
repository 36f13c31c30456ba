"""Translations are complete, and numbers follow the rules of the language."""

import ast
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import ui
from deployments.contracts.errors import ModelMissing, NotFound, RateLimited, SecretaryError
from deployments.contracts.settings import Settings
from deployments.models.catalogue import load_catalogue
from ui.error_messages import explain_error
from ui.formatting import format_duration, format_time_ago
from ui.tabs.settings.groups import GROUPS, field_path, group_fields
from ui.translations import LANGUAGES, Translator, load_texts, plural_form

ROOT = Path(ui.__file__).parent
FILE_NAMES = {"faq.", "audit."}
"""F-strings that begin like keys."""
NAMES = {
    *("API", "Bot", "CRM", "CSV", "JSON", "UTC", "AI", "C", "p95", "Enter", "Python", "curl", "Docker", "NVIDIA"),
    *("Telegram", "BotFather", "Open", "WebUI", "OpenAI", "Gemini", "Claude", "Hugging", "Face", "Prometheus"),
    *("PostgreSQL", "Asterisk", "FreeSWITCH", "AudioSocket", "Twilio", "XTTS", "OpenVoice", "Piper", "eSpeak"),
    *("Chrome", "Firefox", "Safari", "Joe", "Meta"),
}
"""Names of products and formats."""
LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")
TYPED = re.compile(
    r"\{[^}]*\}|[\w*$]+(?:[./:-]+[A-Za-z0-9_]+)+|[A-Za-z0-9]+_[A-Za-z0-9_]+|[/.*$#@][A-Za-z0-9_/]+|\w+://|[A-Z]{3,}_?…"
    r"|\bsecretary(?: (?:up|down|status|backup)\b)?|\bpip install\b"
    r"|\b(?:ru|en|phone|vless|https?|localhost|openai|xray|company|websocket|www|chats|options|model)\b"
)
"""What a person types or finds on the machine: values, commands, file names, addresses, languages, settings."""


def used_keys() -> set[str]:
    """The first arguments of ``t(…)`` and ``t.count(…)``."""
    found: set[str] = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = ast.unparse(node.func)
                if re.fullmatch(r"(.*\.)?t(\.count)?", name):
                    found.add(str(node.args[0].value))
    return found


def test_no_translation_key_is_unused() -> None:
    """A key is used when a string of the code or of a template is the key, or when an f-string makes it. The value of
    an f-string stands for one part of a key, at the end of "a.b." for several."""
    written: set[str] = set()
    made: set[str] = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant):
                written.add(str(node.value))
            elif isinstance(node, ast.JoinedStr):
                made.add(_pattern_of(node))
    for path in ROOT.rglob("*.html"):
        written |= set(re.findall(r"[\"']([a-z_]+\.[\w.]+)[\"']", path.read_text(encoding="utf-8")))
    makes = re.compile("|".join(made - {""}))
    keys = load_texts("en").keys() | load_texts("ru").keys()
    assert [key for key in sorted(keys - written) if not makes.fullmatch(key)] == []


def _pattern_of(node: ast.JoinedStr) -> str:
    parts = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
    head = str(parts[0])
    if not re.match(r"[a-z_]+\.", head) or head in FILE_NAMES:
        return ""
    value = r".+" if head.count(".") > 1 else r"[^.]+"
    return "".join(value if part is None else re.escape(str(part)) for part in parts)


def test_russian_texts_have_no_english_words() -> None:
    found = {
        (key, word)
        for key, text in _all_texts("ru")
        if key != "voices.sample_en"
        for word in LATIN_WORD.findall(TYPED.sub(" ", text))
        if word not in NAMES
    }
    assert found == set()


def test_english_texts_have_no_russian_words() -> None:
    found = {key for key, text in _all_texts("en") if key != "voices.sample_ru" and re.search(r"[а-яё]", text, re.I)}
    assert found == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_used_translation_keys_exist(language: str) -> None:
    assert used_keys() - load_texts(language).keys() == set()


def test_every_translation_is_used() -> None:
    """A key, or the beginning of one that is put together, is a string of the sources."""
    strings = {
        str(node.value)
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    beginnings = tuple(text for text in strings if re.fullmatch(r"[a-z_]+\.([a-z_]+[._])*", text))
    assert [key for key in load_texts("ru") if key not in strings and not key.startswith(beginnings)] == []


def test_every_model_of_catalogue_is_explained() -> None:
    assert {f"models.about.{model.id}" for model in load_catalogue().models} - load_texts("ru").keys() == set()


def test_problem_texts_match_error_codes() -> None:
    codes = {cls.code for cls in _tree(SecretaryError)} | {"locked_out", "answer_under_way"}
    named = {key.removeprefix("problem.") for key in load_texts("ru") if key.startswith("problem.")}
    assert named - codes == set()


def test_languages_have_same_keys_and_placeholders() -> None:
    russian, english = load_texts("ru"), load_texts("en")
    assert russian.keys() == english.keys()
    for key, text in russian.items():
        assert _placeholders(text) == _placeholders(english[key]), key


def test_every_setting_has_name_and_explanation() -> None:
    paths = {field_path(group, name) for group in GROUPS for name in group_fields(group)}
    assert len(paths) == sum(
        len(field.annotation.model_fields) if hasattr(field.annotation, "model_fields") else 1
        for field in Settings.model_fields.values()
    )
    for language in LANGUAGES:
        texts = load_texts(language).keys()
        assert {f"settings.{part}.{path}" for part in ("name", "about") for path in paths} - texts == set()


@pytest.mark.parametrize(
    ("count", "form"),
    [
        (0, "many"),
        (1, "one"),
        (2, "few"),
        (5, "many"),
        (11, "many"),
        (12, "many"),
        (21, "one"),
        (24, "few"),
        (111, "many"),
    ],
)
def test_russian_plural_forms(count: int, form: str) -> None:
    assert plural_form("ru", count) == form


@pytest.mark.parametrize(("ms", "text"), [(0.5, "0,5 мс"), (184.2, "184 мс"), (1_240, "1,24 с"), (61_000, "61,0 с")])
def test_format_duration(ms: float, text: str) -> None:
    assert format_duration(ms, Translator("ru")) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(3, "just now"), (44, "40 seconds ago"), (61, "1 minute ago"), (7_300, "2 hours ago")]
)
def test_format_time_ago(seconds: int, text: str) -> None:
    now = datetime.now(UTC)
    assert format_time_ago(now - timedelta(seconds=seconds), Translator("en"), now) == text


def test_errors_are_translated() -> None:
    t = Translator("ru")
    assert explain_error(NotFound("no entry 5"), t) == "Этого больше нет, возможно, его уже удалили."
    assert explain_error(ModelMissing("run: x"), t) == "Модель не установлена. run: x"
    assert explain_error(RateLimited("slow", retry_after_s=61), t).endswith("через 2 минуты.")
    assert "secret" not in explain_error(ValueError("secret"), t)


def test_unknown_language_falls_back_to_russian() -> None:
    assert Translator("xx").language == "ru"


def _all_texts(language: str) -> Iterator[tuple[str, str]]:
    for key, text in load_texts(language).items():
        for form in text.values() if isinstance(text, Mapping) else (text,):
            yield key, form


def _tree(cls: type[SecretaryError]) -> set[type[SecretaryError]]:
    return {cls}.union(*(_tree(child) for child in cls.__subclasses__()))


def _placeholders(text: object) -> set[str]:
    forms = text.values() if isinstance(text, dict) else (text,)
    return {placeholder for form in forms for placeholder in re.findall(r"{\w+}", str(form))}
