"""Text work is linear, and its input is cut before it."""

from collections.abc import Callable

import pytest

from deployments.administration.chat.titles import title_from_question
from deployments.administration.office.slugs import free_slug
from deployments.answers.normalise import normalise
from deployments.answers.qualifiers import is_negated
from deployments.answers.tokenized_text import tokenize_text
from deployments.contracts.speech import SpeechRequest
from deployments.conversation.usage_estimates import estimate_first_piece_s
from deployments.text.language import detect_language
from deployments.text.markdown import strip_markdown
from deployments.text.speakable import to_speakable_text
from storage.comparison import comparison_key
from tests.architecture.source_files import shipped_files
from tests.hostile.corpus.texts import MARKUP_UNITS, SPOKEN_UNITS, repeated
from tests.hostile.cpu_limit import cpu_seconds

_LONGEST_REQUEST = 100_000
_SPEECH_S = 3.0
"""Three times what the costliest text takes on an idle core."""
_BOUNDED = {
    "FAQ": normalise,
    "negation": is_negated,
    "ranking": tokenize_text,
    "language": lambda text: detect_language(text, "ru"),
    "comparison": comparison_key,
    "id": lambda text: free_slug(text, ()),
    "title": title_from_question,
    "speech estimate": lambda text: estimate_first_piece_s(SpeechRequest(text)),
}


@pytest.fixture(scope="module", autouse=True)
def _normalizers() -> None:
    for language in ("ru", "en"):
        to_speakable_text("1 I", language)


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("unit", SPOKEN_UNITS)
def test_longest_spoken_text_takes_a_second(unit: str, language: str) -> None:
    text = repeated(unit, _LONGEST_REQUEST)
    cpu_seconds(lambda: to_speakable_text(text, language), _SPEECH_S)


@pytest.mark.parametrize("unit", MARKUP_UNITS)
def test_markup_takes_linear_time(unit: str) -> None:
    text = f"Hi. ```a```{repeated(unit, _LONGEST_REQUEST)}!"
    cpu_seconds(lambda: strip_markdown(text), 1.0)


@pytest.mark.parametrize("call", _BOUNDED.values(), ids=_BOUNDED)
@pytest.mark.parametrize("unit", ["ﷺ", "\u0301\u0316", "a", "й "])
def test_megabytes_are_cut_before_the_work(call: Callable[[str], object], unit: str) -> None:
    text = unit * (1_800_000 // len(unit))
    assert cpu_seconds(lambda: call(text), 1.0) < 0.2


@pytest.mark.parametrize("text", [f"&#{'9' * 5_000};", f"&#x{'f' * 5_000}", "\ud800", "5\udfff5", "\x00"])
def test_unreadable_characters_are_spoken_as_nothing(text: str) -> None:
    assert to_speakable_text(f"Да {text}", "ru").startswith("Да")


def test_only_one_module_normalises_unicode() -> None:
    callers = {file.name for file in shipped_files() if "unicodedata.normalize" in file.text}
    assert callers == {"deployments/contracts/unicode_text.py"}
