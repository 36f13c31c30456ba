"""Escapes cells of CSV files against formula injection (OWASP, "CSV Injection").

A cell that a spreadsheet would evaluate gets a leading apostrophe, and so does a cell that starts with one. Reading
removes exactly that apostrophe.
"""

_FORMULA = tuple("=+-@＝＋－＠")
_FIRST = ("'", "\t", "\r", "\n")


def escape_cell(cell: str) -> str:
    """Returns ``cell`` as written to a file."""
    return f"'{cell}" if _needs_escape(cell) else cell


def unescape_cell(cell: str) -> str:
    """Reverses ``escape_cell``."""
    return cell[1:] if cell.startswith("'") and _needs_escape(cell[1:]) else cell


def _needs_escape(cell: str) -> bool:
    """Some spreadsheets evaluate a formula after leading whitespace."""
    return cell.startswith(_FIRST) or cell.lstrip().startswith(_FORMULA)
