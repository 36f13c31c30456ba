"""The code blocks of the pages in docs/."""

import re

from tests.serve.secretary_process import ROOT

_BLOCK = re.compile(r"^ *```bash\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def shell_blocks(page: str) -> list[str]:
    """The bash blocks of docs/``page``, in order."""
    return _BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))
