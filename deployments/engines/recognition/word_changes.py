"""How the transcript of a second engine differs from the first one."""

from difflib import SequenceMatcher

from deployments.contracts.speech import WordChange


def word_changes(first: str, second: str) -> tuple[WordChange, ...]:
    """The words that differ, in order. Case and punctuation at the ends of words do not count."""
    before, after = first.split(), second.split()
    matcher = SequenceMatcher(None, [*map(bare_word, before)], [*map(bare_word, after)], autojunk=False)
    return tuple(
        WordChange(" ".join(before[a:b]), " ".join(after[c:d]))
        for kind, a, b, c, d in matcher.get_opcodes()
        if kind != "equal"
    )


def bare_word(word: str) -> str:
    """``word`` for comparison: without case, punctuation at its ends and the difference between е and ё."""
    return word.casefold().strip(".,!?…:;\"'«»()-—").replace("ё", "е")
