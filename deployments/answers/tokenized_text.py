"""Tokenises a question for ranking: weighted stems, function words and negation."""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import snowballstemmer

from deployments.answers.normalise import normalised_words

_CYRILLIC = re.compile("[а-я]")
_INTERROGATIVE_WEIGHT = 0.5
_MIN_CONTENT_WEIGHT = 2.0
_MAX_MESSAGE_WORDS = 400
_MAX_STEMMED_CHARS = 50
_MAX_STEMS = 100_000
"""In words. The rest of the message is ignored."""


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEGATIONS = word_set("не нет нельзя без not no dont doesnt didnt cant cannot wont isnt arent never without")
_INTERROGATIVES = word_set(
    "как где куда откуда когда сколько почему зачем какой какая какое какие каких каком чем кто кому кого чей что"
    " how where when why what which who whom whose much many hows wheres whens whats whos"
)
FUNCTION_WORDS = word_set(
    "а и но или же ли бы б в во на с со у к ко о об от до за из по под над при для про через между"
    " я мне меня мой моя мое мои ты тебя тебе твой твоя твое вы вас вам ваш ваша ваше ваши вами он она оно они его ее"
    " их мы нас нам наш наша это этот эта эти то тот та те там тут здесь так такой такая есть быть был была будет будут"
    " ну вот уже еще ведь да пожалуйста плиз спасибо здравствуйте здравствуй привет добрый доброе день вечер утро"
    " подскажите подскажи подскажете скажите скажи скажете могу можете могли можно можешь мочь хочу хотел хотела"
    " хотелось хотим узнать знаете вопрос интересует интересно расскажите объясните себе свой свою все всё"
    " a an the and or but of to in on at for from with by about as is are am was were be been being do does did have"
    " has had i me my you your yours we us our they them their he she it its this that these those there here"
    " please thanks thank hello hi hey good day morning evening can could would will shall may might tell know want"
    " wanted like just so if then id im ill youre"
)
_PARTICLES = word_set("а и но же ли бы ну вот and so")
_COURTESIES = word_set(
    "пожалуйста плиз спасибо здравствуйте здравствуй привет добрый доброе день вечер утро"
    " подскажите подскажи подскажете скажите скажи скажете хочу хотел хотела хотелось хотим узнать знаете интересует"
    " интересно please thanks thank hello hi hey good day morning evening"
)


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """``stems``: stem -> weight, in order of appearance. ``source_words``: stem -> the word it came from.

    ``function_words``: stems of the function words and interrogatives without particles. ``lacks_content``: the content
    words weigh too little to identify a question.
    """

    stems: dict[str, float]
    source_words: dict[str, str]
    negated: bool
    function_words: frozenset[str]
    lacks_content: bool

    @property
    def weight(self) -> float:
        return sum(self.stems.values())

    def accepts(self, message: "TokenizedText") -> bool:
        """Whether ``message`` may match this question. A question that lacks content needs the same function words; the
        message may add courtesies only."""
        return (
            not self.lacks_content
            or self.function_words <= message.function_words <= self.function_words | _courtesies()
        )


def tokenize_text(text: str) -> TokenizedText:
    """Tokenises ``text``. Function words are dropped unless there are no other words ("кто вы?")."""
    message_words = normalised_words(text)[:_MAX_MESSAGE_WORDS]
    content = [word for word in message_words if word not in FUNCTION_WORDS and word not in _NEGATIONS]
    lacks_content = sum(_weights(_source_words(content)).values()) < _MIN_CONTENT_WEIGHT
    if all(word in _INTERROGATIVES for word in content):
        content = [word for word in message_words if len(word) > 1] or list(message_words)
    source_words = _source_words(content)
    function_words = {word for word in message_words if word in FUNCTION_WORDS or word in _INTERROGATIVES} - _PARTICLES
    return TokenizedText(
        _weights(source_words),
        source_words,
        _is_negated(message_words),
        frozenset(map(stem, function_words)),
        lacks_content,
    )


def _source_words(content: list[str]) -> dict[str, str]:
    source_words: dict[str, str] = {}
    for word in content:
        source_words.setdefault(stem(word), word)
    return source_words


def _weights(source_words: dict[str, str]) -> dict[str, float]:
    return {key: _INTERROGATIVE_WEIGHT if word in _INTERROGATIVES else 1.0 for key, word in source_words.items()}


@lru_cache(maxsize=1)
def _courtesies() -> frozenset[str]:
    return frozenset(map(stem, _COURTESIES))


def stem(word: str) -> str:
    """The Snowball stem of a normalised word: Russian for Cyrillic letters, English otherwise. A string of more than 50
    characters is no word and stays as it is."""
    return _stem(word) if len(word) <= _MAX_STEMMED_CHARS else word


@lru_cache(maxsize=_MAX_STEMS)
def _stem(word: str) -> str:
    stemmer = _russian() if _CYRILLIC.search(word) else _english()
    return str(stemmer.stemWord(word))


@lru_cache(maxsize=1)
def _russian() -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer("russian")


@lru_cache(maxsize=1)
def _english() -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer("english")


def _is_negated(message_words: tuple[str, ...]) -> bool:
    """Whether a negation precedes a content word. "не подскажете" is a courtesy."""
    return any(word in _NEGATIONS and after not in FUNCTION_WORDS for word, after in pairwise((*message_words, "")))
