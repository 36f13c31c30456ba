"""Texts that crash espeak-ng 1.52, found by a fuzzer: words and clauses that outgrow arrays on its stack."""

_REPEATED = (".A", ".А", "А.", "A.", "I.", "с.", "α.", "ب.", "'s", "’s", "s'", ".`")

CRASHING_TEXTS = (
    *(unit * (800 // len(unit)) for unit in _REPEATED),
    ".A " * 600,
    " ".join([".A.A.A"] * 400),
)
HOSTILE_TEXTS = (
    "a" * 4000,
    "ы" * 4000,
    "1" * 4000,
    "1,000," * 600,
    "\u0301" * 4000,
    "é\u0301\u200d" * 1000,
    "☃" * 2000,
    "😀👍🏽" * 500,
    "<a>&amp;[[" * 400,
    "क्षि" * 1000,
    "ก" * 4000,
    "한국어" * 1000,
    "unreinterpretablenesses" * 170,
    "\x00\x01\ud800\ue000a" * 500,
)
