"""docs/reference-rows.md as data."""

import re
from dataclasses import dataclass

from tests.serve.secretary_process import ROOT

PAGE = ROOT / "docs" / "reference-rows.md"
_LINE = re.compile(r"^\| `([A-Z]+) (/\S*)` \| (.+?) \| (?:`(test_\w+)::(test_\w+)` )?\|$")


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """``proof`` is (module, test), None where the page gives a reason instead."""

    method: str
    path: str
    implementation: str
    proof: tuple[str, str] | None

    @property
    def public(self) -> bool:
        return self.implementation.startswith("*public*")

    @property
    def left_out(self) -> bool:
        return self.implementation.startswith("left out")

    @property
    def example_path(self) -> str:
        """The path with something in its places."""
        return re.sub(r"\{\w+\}", "x", self.path)


def read_reference_rows() -> list[ReferenceRow]:
    found = (_LINE.match(line) for line in PAGE.read_text(encoding="utf-8").splitlines())
    return [ReferenceRow(m[1], m[2], m[3], (m[4], m[5]) if m[4] else None) for m in found if m]
