"""docs/reference-rows.md as data."""

import re
from dataclasses import dataclass

from tests.serve.running import ROOT

PAGE = ROOT / "docs" / "reference-rows.md"
_LINE = re.compile(r"^\| `([A-Z]+) (/\S*)` \| (.+?) \| (?:`(test_\w+)::(test_\w+)` )?\|$")


@dataclass(frozen=True, slots=True)
class Row:
    """``proof`` is (module, test), None where the page gives a reason instead."""

    method: str
    path: str
    here: str
    proof: tuple[str, str] | None

    @property
    def public(self) -> bool:
        return self.here.startswith("*public*")

    @property
    def left_out(self) -> bool:
        return self.here.startswith("left out")

    @property
    def address(self) -> str:
        """The path with something in its places."""
        return re.sub(r"\{\w+\}", "x", self.path)


def rows() -> list[Row]:
    found = (_LINE.match(line) for line in PAGE.read_text(encoding="utf-8").splitlines())
    return [Row(m[1], m[2], m[3], (m[4], m[5]) if m[4] else None) for m in found if m]
