"""Makes the icon font of the panel: the icons of Material Icons that the code and Quasar name, some of the font.

``pip install fonttools brotli``, then ``python -m tests.ui.make_icon_font``.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nicegui

import ui

STATIC = Path(nicegui.__file__).parent / "static"
WHOLE = STATIC / "fonts" / "0c19a63c7528cc1a.woff2"
TARGET = Path(ui.__file__).parent / "assets" / "fonts" / "material-icons.woff2"
SHORT_NAME = 8
"""Icons with a name of so many letters are in the font unused, so that a new page seldom needs a new font."""
_WORD = re.compile(r"[a-z0-9_]{2,40}")
_QUOTED = re.compile(r"[\"']([a-z0-9_]{3,40})[\"']")


def main() -> None:
    from fontTools.subset import Options, Subsetter  # type: ignore[import-not-found]
    from fontTools.ttLib import TTFont  # type: ignore[import-not-found]

    font = TTFont(WHOLE)
    wanted = {*words_of_code(), *_QUOTED.findall((STATIC / "quasar.umd.prod.js").read_text(encoding="utf-8"))}
    kept = _keep_ligatures(font, wanted)
    options = Options(flavor="woff2", glyph_names=False, layout_closure=False, notdef_outline=True)
    subsetter = Subsetter(options)
    subsetter.populate(glyphs=kept, unicodes=[ord(sign) for sign in "abcdefghijklmnopqrstuvwxyz0123456789_"])
    subsetter.subset(font)
    TARGET.parent.mkdir(exist_ok=True)
    font.flavor = "woff2"
    font.save(TARGET)
    print(f"{TARGET}: {len(kept)} icons, {TARGET.stat().st_size} bytes")


def words_of_code() -> set[str]:
    """Every string of the panel's code that could be the name of an icon."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in Path(ui.__file__).parent.rglob("*.py"))
    values = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    texts = (value for value in values if isinstance(value, str) and len(value) < 200)
    return {word for text in texts for word in _WORD.findall(text)}


def _keep_ligatures(font: Any, wanted: set[str]) -> list[str]:
    """Drops the ligatures of other icons. Returns the glyphs of those that stay."""
    letters = {glyph: chr(code) for code, glyph in font.getBestCmap().items()}
    kept: list[str] = []
    for table in _ligature_tables(font):
        for first, ligatures in list(table.ligatures.items()):
            named = [(letters[first] + "".join(letters[each] for each in one.Component), one) for one in ligatures]
            named = [(name, one) for name, one in named if name in wanted or len(name) <= SHORT_NAME]
            table.ligatures[first] = [one for _, one in named]
            kept += [one.LigGlyph for _, one in named]
    return kept


def _ligature_tables(font: Any) -> Iterator[Any]:
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            table = getattr(table, "ExtSubTable", table)
            if hasattr(table, "ligatures"):
                yield table


if __name__ == "__main__":
    main()
