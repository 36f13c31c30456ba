"""Removes Markdown, HTML and emoji from a text."""

import re
import unicodedata

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_IMAGE_OR_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_AUTOLINK = re.compile(r"<(?=[^<>\s][^<>\s.@]*+[.@][^<>\s])([^<>\s]++)>")
_TAG = re.compile(
    r"</?(?:a|abbr|article|b|big|blockquote|body|br|button|center|code|dd|del|div|dl|dt|em|figure|font|footer|form|h[1-6]"
    r"|head|header|hr|html|i|iframe|img|input|ins|kbd|label|li|link|main|mark|meta|nav|ol|option|p|pre|q|s|script|section"
    r"|select|small|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|textarea|tfoot|th|thead|title|tr|tt|u|ul"
    r"|var|video)(?:\s[^<>=]{0,200}+=[^<>]{0,200}+)?\s{0,3}/?>",
    re.IGNORECASE,
)
_NAME_IN_BRACKETS = re.compile(r"<([^\W\d_][\w -]{0,30})>(?!\w)")
"""A key or a placeholder: "press <Enter>"."""
_TABLE_RULE = re.compile(r"^(?=[\s|:+=_*-]*+$).*?[-=_*]{2}")
_LINE_MARK = re.compile(r"^[\s>]*+(?:#{1,6}\s+|[-*+•·▪◦–—]\s+(?:\[[ xX]\]\s+)?)?")
_EMPHASIS = re.compile(
    r"(\*{2,3})(?=[^\s*])((?:[^*]|(?<!\*)\*(?!\*))++)(?<=\S)\1"
    r"|(\*)(?=[^\s*])([^*]++)(?<=\S)\*"
    r"|~~(?=\S)((?:[^~]|~(?!~))++)(?<=\S)~~"
    r"|(?<!`)(`++)(?=\S)([^`]++)(?<=\S)\6"
    r"|(?<!\w)(_{1,3})(?=[^\s_])((?:[^_]|(?<=[^\W_])_++(?=[^\W_]))++)(?<=\S)\8(?!\w)"
)
"""A mark, text without that mark, and the mark again: the search for the end stops at the next mark."""
_MAX_NESTED_MARKS = 3
_ENDINGS = ".!?…:;,—–-"
_CLOSERS = "\"'»”’)]"
_INVISIBLE = {"So", "Sk", "Cf", "Cc", "Cs", "Co", "Cn", "Mn", "Me"}
_KEPT_MARKS = {"\u0301", "\u0306", "\u0308"}


def strip_markdown(text: str) -> str:
    """Returns one line without code blocks, Markdown marks, HTML tags and link targets.

    Lines become sentences: a full stop is added where punctuation is missing. Table rows become comma-separated lists.
    """
    text = _FENCE.sub("\n", text)
    text = _IMAGE_OR_LINK.sub(r"\1", text)
    text = _NAME_IN_BRACKETS.sub(r"\1", _TAG.sub(" ", _AUTOLINK.sub(r"\1", text)))
    lines = [line for line in map(_plain_line, text.splitlines()) if line]
    return " ".join([*map(_with_full_stop, lines[:-1]), *lines[-1:]])


def strip_emoji(text: str) -> str:
    """Replaces emoji, other pictographs, control and invisible characters by spaces."""
    shown = (c if unicodedata.category(c) not in _INVISIBLE or c in _KEPT_MARKS or c.isspace() else " " for c in text)
    return "".join(shown)


def _plain_line(line: str) -> str:
    if _TABLE_RULE.match(line):
        return ""
    line = _LINE_MARK.sub("", line, count=1)
    if line.lstrip().startswith("|") or line.count("|") > 1:
        line = ", ".join(cell.strip() for cell in line.strip().strip("|").split("|") if cell.strip())
    for _ in range(_MAX_NESTED_MARKS):
        line = _EMPHASIS.sub(_inside, line)
    return " ".join(line.split())


def _inside(found: re.Match[str]) -> str:
    return found[2] or found[4] or found[5] or found[7] or found[9]


def _with_full_stop(line: str) -> str:
    return line if line.rstrip(_CLOSERS).endswith(tuple(_ENDINGS)) else f"{line}."
