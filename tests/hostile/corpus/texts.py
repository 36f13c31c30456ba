"""Units that make a text expensive when they are repeated."""

SPOKEN_UNITS = ("1^", "a<", "12 ", "1,", "½", "ул. ", "XIX ", "&#9", "a@a.", "*", "9")
"""For the normalisers of numbers, signs and abbreviations."""
MARKUP_UNITS = (
    "*", "**", "* *", "**a *", " _a", "_a_a", "`", "`a ", "~~a ", "[", "[](", "![a](b \"", "<", "<a =", "<.", ">", "|",
    "-", "\n", "\n|a|", "# ", "&lt;",
)  # fmt: skip
"""For the rules that remove Markdown and HTML."""


def repeated(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]
