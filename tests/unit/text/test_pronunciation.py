"""The pronunciation dictionary of a voice."""

from time import process_time

import pytest

from deployments.contracts.speech import Voice
from deployments.contracts.voice_settings import Pronunciation
from deployments.conversation.spoken_text import spoken_text
from deployments.conversation.voice_parameters import VoiceParameters
from deployments.text.pronunciation import PronunciationDictionary

ENTRIES = (
    Pronunciation(word="ГОСТ", spoken="гост"),
    Pronunciation(word="SQL", spoken="эс кью эль", match_case=True),
    Pronunciation(word="sql", spoken="сиквел"),
    Pronunciation(word="Open WebUI", spoken="оупен веб ю ай"),
    Pronunciation(word="open", spoken="открыто"),
    Pronunciation(word="don't", spoken="do not"),
    Pronunciation(word="кафе", spoken="кафэ"),
    Pronunciation(word="кафе", spoken="cafe", language="en"),
)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("По гост, ГОСТу и гостя", "По гост, ГОСТу и гостя"),
        ("ГОСТ-5", "гост-5"),
        ("SQL и Sql", "эс кью эль и сиквел"),
        ("open open webui!", "открыто оупен веб ю ай!"),
        ("I don't, don", "I do not, don"),
        ("кафе\u0301", "кафе\u0301"),
        ("", ""),
    ],
)
def test_whole_words_are_replaced(text: str, spoken: str) -> None:
    dictionary = PronunciationDictionary([entry for entry in ENTRIES if not entry.language])
    assert dictionary.apply(text) == spoken


def parameters(language: str, *entries: Pronunciation) -> VoiceParameters:
    return VoiceParameters(Voice("v", "v", "tone", ("ru", "en"), 22_050), language, pronunciations=entries)


def test_entry_of_the_language_wins() -> None:
    assert spoken_text("Наше кафе", parameters("ru", *ENTRIES)) == "Наше кафэ"
    assert spoken_text("Наше кафе", parameters("en", *ENTRIES)) == "Наше cafe"


@pytest.mark.parametrize("word", ["C++", "24/7", "№ 5"])
def test_entry_with_signs_is_found(word: str) -> None:
    entry = Pronunciation(word=word, spoken="особое слово")
    assert spoken_text(f"Работаем {word} всегда", parameters("ru", entry)) == "Работаем особое слово всегда"


def test_spoken_text_keeps_its_marks() -> None:
    entry = Pronunciation(word="замок", spoken="за\u0301мок")
    assert spoken_text("Старый замок.", parameters("ru", entry)) == "Старый за\u0301мок."


def test_time_is_linear_in_a_hostile_text() -> None:
    entries = [Pronunciation(word=" ".join(["а"] * length), spoken="б" * 100) for length in range(2, 17)]
    entries += [Pronunciation(word=f"слово{number}", spoken="ц") for number in range(1_000)]
    dictionary = PronunciationDictionary(entries)

    def seconds(words: int) -> float:
        began = process_time()
        dictionary.apply("а б " * words + "а " * words)
        return process_time() - began

    assert min(seconds(32_000) for _ in range(3)) < 64 * min(seconds(2_000) for _ in range(3)) + 0.05


def test_growth_is_bounded() -> None:
    spoken = PronunciationDictionary([Pronunciation(word="а", spoken="б" * 100)]).apply("а " * 2_000)
    assert 4_000 < len(spoken) <= 4 * 4_000 + 101
