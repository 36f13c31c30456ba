"""Export and import of FAQ files."""

import csv
import io
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from deployments.administration.faq.files import entries_to_csv, entries_to_json, read_import_rows
from deployments.administration.faq.importing import FaqImporter
from deployments.administration.faq.service import FaqAdministration, FaqDraft
from deployments.administration.office.composition import OfficeServices
from deployments.contracts.errors import Conflict, TooLarge
from deployments.contracts.faq_entry import FaqEntry
from tests.api.admin.admin_client import admin_client
from tests.api.admin.faq_area import create_entry, faq_routers
from tests.faq_hits import add_faq_hits


@pytest.fixture
async def client(office: OfficeServices) -> AsyncIterator[httpx.AsyncClient]:
    async with admin_client(office, faq_routers, "operator") as client:
        yield client


@pytest.mark.parametrize("format", ["json", "csv"])
async def test_export_reimported_changes_nothing(
    client: httpx.AsyncClient, office: OfficeServices, format: str
) -> None:
    await create_entry(
        client,
        question="=1+1 формула",
        answer="'@\n\r\n|\\|",
        alternatives=["a|b\\", "-x y"],
        enabled=False,
        topic="formula",
    )
    before = await office.faq.all()
    exported = await client.get("/faq/export", params={"format": format})
    assert exported.headers["content-disposition"] == f'attachment; filename="faq.{format}"'
    report = (await client.post("/faq/import", content=exported.content, params={"mode": "replace"})).json()
    assert report == {
        "applied": True,
        "created": 0,
        "updated": 0,
        "unchanged": len(before),
        "deleted": 0,
        "refused": [],
        "changes": [],
    }
    assert await office.faq.all() == before


async def test_import_dry_run_changes_nothing(client: httpx.AsyncClient, office: OfficeServices) -> None:
    entry = await create_entry(client, question="Где вход?", answer="Слева.", keywords=["вход"])
    await add_faq_hits(office, {entry["id"]: 3})
    revision, count = office.publisher.current.revision, len(await office.faq.all())
    text = (
        "Trigger;Response;Keywords\nгде вход;Справа.;вход | дверь\n?;Пусто;\nНовый вопрос;Да.;\nНОВЫЙ вопрос!;Нет.;\n"
    )
    upload = {"file": ("faq.csv", text.encode("utf-8-sig"), "text/csv")}
    dry = (await client.post("/faq/import", files=upload, params={"dry_run": "true"})).json()
    assert (dry["applied"], dry["created"], dry["updated"]) == (False, 1, 1)
    assert [each["line"] for each in dry["refused"]] == [3, 5]
    assert "line 4" in dry["refused"][1]["error"]
    assert [(each["line"], each["action"]) for each in dry["changes"]] == [(2, "updated"), (4, "created")]
    assert office.publisher.current.revision == revision
    refused = await client.post("/faq/import", files=upload, params={"mode": "replace"})
    assert refused.status_code == 400
    assert "line 3" in refused.json()["detail"]
    assert office.publisher.current.revision == revision
    done = (await client.post("/faq/import", files=upload)).json()
    assert (done["applied"], done["created"], done["updated"], done["deleted"]) == (True, 1, 1, 0)
    assert office.publisher.current.revision == revision + 1
    after = await office.faq.get(entry["id"])
    assert (after.answer, after.keywords, after.hits, after.version) == ("Справа.", ("вход", "дверь"), 3, 2)
    assert len(await office.faq.all()) == count + 1


async def test_import_replace_deletes_missing_entries(client: httpx.AsyncClient, office: OfficeServices) -> None:
    body = json.dumps({"faq": {"Один вопрос": "Один.", "Два вопроса": "Два."}}).encode()
    report = (await client.post("/faq/import", content=body, params={"mode": "replace"})).json()
    assert (report["created"], report["deleted"] > 0) == (2, True)
    assert {entry.question for entry in await office.faq.all()} == {"Один вопрос", "Два вопроса"}
    empty = await client.post("/faq/import", content=b"[]", params={"mode": "replace"})
    assert empty.status_code == 400
    assert len(await office.faq.all()) == 2


@pytest.mark.parametrize("mode", ["merge", "replace"])
async def test_import_keeps_fields_missing_in_the_file(
    client: httpx.AsyncClient, office: OfficeServices, mode: str
) -> None:
    entry = await create_entry(
        client, question="Где вход?", answer="Слева.", keywords=["вход"], alternatives=["Как войти?"], enabled=False
    )
    table = "question,answer\nГде вход,Справа.\n".encode()
    report = (await client.post("/faq/import", content=table, params={"mode": mode})).json()
    assert (report["created"], report["updated"]) == (0, 1)
    after = await office.faq.get(entry["id"])
    assert (after.answer, after.keywords, after.alternatives) == ("Справа.", ("вход",), ("Как войти?",))
    assert not after.enabled
    emptied = "question,answer,keywords,enabled\nГде вход,Справа.,,yes\n".encode()
    await client.post("/faq/import", content=emptied)
    after = await office.faq.get(entry["id"])
    assert (after.keywords, after.enabled, after.alternatives) == ((), True, ("Как войти?",))


async def test_import_of_faq_map_changes_nothing(client: httpx.AsyncClient, office: OfficeServices) -> None:
    before = await office.faq.all()
    assert {entry.language for entry in before} == {"ru", "en"}
    report = (await client.post("/faq/import", content=(await client.get("/faq")).content)).json()
    enabled = sum(entry.enabled for entry in before)
    assert (report["created"], report["updated"], report["unchanged"]) == (0, 0, enabled)
    assert await office.faq.all() == before


async def test_import_ambiguous_language_is_rejected(client: httpx.AsyncClient, office: OfficeServices) -> None:
    for language, spelling in (("en", "Where is it"), ("de", "where is it?")):
        await create_entry(client, question=spelling, answer=language, language=language)
    before = await office.faq.all()
    report = (await client.post("/faq/import", json={"faq": {"Where is it": "en"}})).json()
    assert (report["unchanged"], report["created"], report["refused"]) == (1, 0, [])
    body = b'{"faq": {"WHERE IS IT": "x"}}'
    report = (await client.post("/faq/import", content=body)).json()
    assert "en, de" in report["refused"][0]["error"]
    assert (await client.post("/faq/import", content=body, params={"mode": "replace"})).status_code == 400
    assert await office.faq.all() == before


async def test_entry_limit_applies_to_create_and_import(office: OfficeServices) -> None:
    count = len(await office.faq.all())
    full = FaqAdministration(office.database, office.snapshot_writer, max_entries=count)
    with pytest.raises(Conflict):
        await full.create(FaqDraft(question="Ещё один", answer="Да."), by="test")
    imports = FaqImporter(office.database, office.snapshot_writer, max_entries=count)
    rows, refused = read_import_rows("question,answer\nЕщё один,Да.\n".encode(), "csv")
    with pytest.raises(TooLarge):
        await imports.import_rows(rows, refused, "merge", dry_run=False, by="test")
    with pytest.raises(TooLarge):
        await imports.import_rows(rows, refused, "merge", dry_run=True, by="test")
    assert len(await office.faq.all()) == count
    await imports.import_rows(rows, refused, "replace", dry_run=False, by="test")
    assert len(await office.faq.all()) == 1


async def test_import_invalid_file_is_rejected(client: httpx.AsyncClient) -> None:
    for content, kind in (
        (b"", "json"),
        (b"{", "json"),
        (b"3", "json"),
        (b'{"entries": 3}', "json"),
        (b"\xff\xfe", "csv"),
        (b"question,question\n", "csv"),
        (b"a,b\n1,2\n", "csv"),
        (b'question,answer\n"x', "csv"),
        (b"[" * 50_000, "json"),
    ):
        reply = await client.post("/faq/import", content=content, params={"format": kind})
        assert reply.status_code == 400, reply.text


async def test_import_rejects_invalid_rows_by_line(client: httpx.AsyncClient) -> None:
    rows = ["text", None, 3, {"question": "Так\0", "answer": "x"}, {"question": "Хорошо ли", "answer": "Да"}, {}]
    report = (await client.post("/faq/import", json={"entries": rows})).json()
    assert report["created"] == 1
    assert [each["line"] for each in report["refused"]] == [1, 2, 3, 4, 6]
    cells = "question,answer,enabled\nПервый вопрос,Да,maybe\nВторой вопрос,Да,true,extra\nТретий вопрос,Да,нет\n"
    report = (await client.post("/faq/import", content=cells.encode())).json()
    assert report["created"] == 1
    assert [each["line"] for each in report["refused"]] == [2, 3]


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


_RISKY = st.sampled_from(
    ["=1+1", "+7 999", "-да", "@имя", "'кавычка", "''", "\\", "|", "\\|", "a\\", '"', ",;\t", "\r\n"]
)


_CELLS = st.one_of(
    _TEXT, st.builds(lambda a, b: f"{a} {b}", _RISKY, _TEXT), st.builds(lambda a, b: a + b, _RISKY, _RISKY)
)


@st.composite
def entries(draw: st.DrawFn) -> FaqEntry:
    for _ in range(20):
        try:
            draft = FaqDraft(
                question=f"{draw(_CELLS)} вопрос",
                answer=f"{draw(_CELLS)}ответ",
                alternatives=tuple(f"{cell}ab" for cell in draw(st.lists(_CELLS, max_size=3))),
                keywords=tuple(f"{cell}cd{cell}" for cell in draw(st.lists(_CELLS, max_size=3))),
                language=draw(st.sampled_from(["ru", "en", "deu"])),
                enabled=draw(st.booleans()),
            )
        except ValidationError:
            continue
        return FaqEntry(**draft.model_dump())
    return FaqEntry(question="вопрос", answer="ответ")


@given(st.lists(entries(), max_size=4))
@settings(max_examples=40, deadline=None)
def test_written_files_are_read_back_exactly(written: list[FaqEntry]) -> None:
    for kind, data in (("csv", entries_to_csv(written)), ("json", entries_to_json(written))):
        rows, refused = read_import_rows(data, kind)
        assert refused == ()
        assert [FaqEntry(**row.draft.model_dump()) for row in rows] == written
    cells = [cell for line in _cells(entries_to_csv(written)) for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def _cells(data: bytes):
    return csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
