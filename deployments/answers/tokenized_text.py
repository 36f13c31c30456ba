"""Words of a question reduced to what counts: stems with weights, the small words between them, and whether the
question is negated."""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import snowballstemmer

from deployments.answers.normalise import normalised_words

_CYRILLIC = re.compile("[а-я]")
_QUESTION_WEIGHT = 0.5
_THIN = 2.0
_LONGEST_MESSAGE = 400
"""Words; what comes later is not read."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEGATIONS = _set("не нет нельзя без not no dont doesnt didnt cant cannot wont isnt arent never without")
_QUESTIONS = _set(
    "как где куда откуда когда сколько почему зачем какой какая какое какие каких каком чем кто кому кого чей что"
    " how where when why what which who whom whose much many hows wheres whens whats whos"
)
_STOP = _set(
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
_PARTICLES = _set("а и но же ли бы ну вот and so")
_COURTESIES = _set(
    "пожалуйста плиз спасибо здравствуйте здравствуй привет добрый доброе день вечер утро"
    " подскажите подскажи подскажете скажите скажи скажете хочу хотел хотела хотелось хотим узнать знаете интересует"
    " интересно please thanks thank hello hi hey good day morning evening"
)


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """``stems`` -> weight, in order of appearance; ``written`` says which word each stem came from. ``small``: stems of
    the small words and interrogatives, particles apart. ``thin``: what is left without small words weighs too little
    to tell one question from another."""

    stems: dict[str, float]
    source_words: dict[str, str]
    negated: bool
    function_words: frozenset[str]
    lacks_content: bool

    @property
    def weight(self) -> float:
        return sum(self.stems.values())

    def accepts(self, message: "TokenizedText") -> bool:
        """Whether ``message`` may mean this question: one that is thin wants its small words, and none but courtesies
        beside them."""
        return (
            not self.lacks_content
            or self.function_words <= message.function_words <= self.function_words | _courtesies()
        )


def tokenize_text(text: str) -> TokenizedText:
    """What ``text`` is about. Small words are left out unless there is nothing else ("кто вы?")."""
    spoken = normalised_words(text)[:_LONGEST_MESSAGE]
    content = [word for word in spoken if word not in _STOP and word not in _NEGATIONS]
    thin = sum(_weights(_written(content)).values()) < _THIN
    if all(word in _QUESTIONS for word in content):
        content = [word for word in spoken if len(word) > 1] or list(spoken)
    written = _written(content)
    small = {word for word in spoken if word in _STOP or word in _QUESTIONS} - _PARTICLES
    return TokenizedText(_weights(written), written, _is_negated(spoken), frozenset(map(stem, small)), thin)


def _written(content: list[str]) -> dict[str, str]:
    written: dict[str, str] = {}
    for word in content:
        written.setdefault(stem(word), word)
    return written


def _weights(written: dict[str, str]) -> dict[str, float]:
    return {key: _QUESTION_WEIGHT if word in _QUESTIONS else 1.0 for key, word in written.items()}


@lru_cache(maxsize=1)
def _courtesies() -> frozenset[str]:
    return frozenset(map(stem, _COURTESIES))


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The Snowball stem of a normalised word; Russian for Cyrillic letters, English for others."""
    stemmer = _russian() if _CYRILLIC.search(word) else _english()
    return str(stemmer.stemWord(word))


@lru_cache(maxsize=1)
def _russian() -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer("russian")


@lru_cache(maxsize=1)
def _english() -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer("english")


def _is_negated(spoken: tuple[str, ...]) -> bool:
    """A negation before a word that counts; "не подскажете" is politeness."""
    return any(word in _NEGATIONS and after not in _STOP for word, after in pairwise((*spoken, "")))
