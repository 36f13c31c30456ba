"""Cells of a table that a spreadsheet will open: text stays text, whatever it looks like (OWASP, "CSV Injection").

A cell that a spreadsheet would calculate gets an apostrophe in front, and so does one that begins with an apostrophe:
reading takes exactly that one away.
"""

_FORMULA = tuple("=+-@＝＋－＠")
_FIRST = ("'", "\t", "\r", "\n")


def escape_cell(cell: str) -> str:
    """``cell`` as it may stand in a file."""
    return f"'{cell}" if _needs_guard(cell) else cell


def unescape_cell(cell: str) -> str:
    """The text that ``guarded`` made ``cell`` of."""
    return cell[1:] if cell.startswith("'") and _needs_guard(cell[1:]) else cell


def _needs_guard(cell: str) -> bool:
    """Blanks before a formula do not keep every spreadsheet from calculating it."""
    return cell.startswith(_FIRST) or cell.lstrip().startswith(_FORMULA)
