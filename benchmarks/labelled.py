"""Labelled texts and questions: what must be said, and which entry must answer."""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

DATASETS = Path(__file__).parent / "datasets"
_WORD = re.compile(r"[\w']+")


@dataclass(frozen=True, slots=True)
class LabelledText:
    """``say`` lists every right reading of ``text``."""

    kind: str
    text: str
    say: tuple[str, ...]

    def is_read_as(self, reading: str) -> bool:
        return comparable(reading) in map(comparable, self.say)


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """``entry`` is the question of the FAQ entry that must answer ``text``; None: no entry may."""

    text: str
    entry: str | None


def labelled_texts(language: str) -> tuple[LabelledText, ...]:
    rows = yaml.safe_load((DATASETS / f"spoken_{language}.yaml").read_text(encoding="utf-8"))
    return tuple(LabelledText(row["kind"], row["text"], tuple(row["say"])) for row in rows)


def labelled_questions(language: str) -> tuple[LabelledQuestion, ...]:
    rows = yaml.safe_load((DATASETS / f"faq_{language}.yaml").read_text(encoding="utf-8"))
    answered = [LabelledQuestion(text, entry) for entry, texts in rows["match"].items() for text in texts]
    return (*answered, *(LabelledQuestion(text, None) for text in rows["none"]))


def comparable(reading: str) -> str:
    """Words without case, punctuation, stress marks and dots of ё; "and" inside numbers does not count."""
    plain = reading.lower().replace("ё", "е").replace("\u0301", "")
    return " ".join(word for word in _WORD.findall(plain) if word != "and")
