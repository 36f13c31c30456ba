"""Texts of cl100k_base token ids, which clients of OpenAI's embedding models send instead of texts.

The table lies in litellm, which brings it for its own counts. It is read at first use, in about 0.1 seconds.
"""

import base64
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

_TABLE = "litellm_core_utils/tokenizers/9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
"""Named by the SHA-1 of the URL of cl100k_base.tiktoken."""
_SPECIAL = frozenset((100_257, 100_258, 100_259, 100_260, 100_276))


class UnknownToken(ValueError):
    """An id that cl100k_base does not have, or no table."""


def decode_tokens(ids: Sequence[int]) -> str:
    """The text of ``ids``, without special tokens; incomplete characters become U+FFFD. Raises UnknownToken."""
    table = _table()
    plain = [each for each in ids if each not in _SPECIAL]
    if any(not 0 <= each < len(table) for each in plain):
        raise UnknownToken("the ids are not those of cl100k_base")
    return b"".join(table[each] for each in plain).decode("utf-8", "replace")


@lru_cache(maxsize=1)
def _table() -> tuple[bytes, ...]:
    spec = find_spec("litellm")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / _TABLE
        if path.is_file():
            pairs = (line.split() for line in path.read_bytes().splitlines())
            ranks = {int(rank): base64.b64decode(token) for token, rank in pairs}
            return tuple(ranks[each] for each in range(len(ranks)))
    raise UnknownToken("this installation has no table of cl100k_base")
