"""Large FAQ files are read in a worker process with bounded memory."""

import orjson
import psutil
import pytest

from deployments.administration.faq.file_reader import FaqFileReader
from deployments.administration.faq.files import read_import_rows
from deployments.contracts.errors import InvalidRequest, TooLarge
from deployments.contracts.memory_file import MemoryFile

ENTRY = {"question": "Сколько стоит доставка {}", "answer": "Тысяча рублей. " * 20, "keywords": ["цена", "доставка"]}


def megabytes(content: bytes, size: int = 4) -> bytes:
    return content * (size * 1_000_000 // len(content))


async def read(data: bytes, kind: str) -> object:
    with MemoryFile() as file:
        file.write(data)
        return await FaqFileReader().read(file, kind)


async def test_large_file_is_read_like_a_small_one() -> None:
    entries = [{**ENTRY, "question": f"Сколько стоит доставка {number}"} for number in range(2_000)]
    data = orjson.dumps([*entries, {"question": "x"}, 3])
    assert len(data) > 1_000_000
    rows, rejected = await read(data, "json")
    assert (rows, rejected) == read_import_rows(data, "json")
    assert rows[0].draft.model_fields_set == {"question", "answer", "keywords"}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"[" + megabytes(b"{},") + b"{}]", "json"),
        (b"[{" + b",".join(b'"%d":1' % number for number in range(400_000)) + b"}]", "json"),
        (b"question,answer\n" + megabytes(b"a,b\n"), "csv"),
        (b"[" + megabytes(b" ") + b"{", "json"),
    ],
    ids=["objects", "fields", "rows", "broken"],
)
async def test_hostile_file_is_refused(data: bytes, kind: str) -> None:
    """Read in this process, they would take hundreds of megabytes."""
    before = psutil.Process().memory_info().rss
    with pytest.raises((InvalidRequest, TooLarge)) as caught:
        await read(data, kind)
    assert caught.value.param == "file"
    assert psutil.Process().memory_info().rss - before < 100_000_000
