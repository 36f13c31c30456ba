"""The name of a conversation, taken from its first question."""

import re

LONGEST = 60

_END_OF_SENTENCE = re.compile(r"(?<=[.!?…])\s|\n")


def title_of(question: str) -> str:
    """The first sentence in one line, at most 60 characters, cut between words."""
    sentence = _END_OF_SENTENCE.split(question.strip(), maxsplit=1)[0]
    return shortened(sentence)


def shortened(text: str) -> str:
    """``text`` in one line, at most 60 characters, cut between words where that is possible."""
    line = " ".join(text.split())
    if len(line) <= LONGEST:
        return line
    head = line[: LONGEST - 1]
    whole = head if line[LONGEST - 1] == " " else head.rpartition(" ")[0] or head
    return f"{whole.rstrip(' ,;:—–-')}…"
