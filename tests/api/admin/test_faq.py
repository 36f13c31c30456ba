"""Prepared answers over the office's REST API: entries, the old map, files, and trying phrases."""

import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from deployments.administration.faq import FaqAdministration, FaqDraft
from deployments.administration.faq_files import read, to_csv, to_json
from deployments.administration.faq_import import FaqImport
from deployments.administration.office import Office
from deployments.answers.ranking import Ranking
from deployments.api.admin.faq.files import faq_files_router
from deployments.api.admin.faq.routes import faq_router
from deployments.contracts.errors import Conflict, TooLarge
from deployments.contracts.settings import FaqEntry
from deployments.conversation.prepared import ExactAnswers
from tests.api.admin.office import admin_client, opened_office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened_office(tmp_path) as office:
        yield office


@pytest.fixture
async def client(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    async with admin_client(office, lambda o: routers(o), "operator") as client:
        yield client


def routers(office: Office):
    async def match(phrase: str, language: str | None):
        snapshot = office.publisher.current
        exact = ExactAnswers(lambda: datetime.now(UTC))
        exact.prepare(snapshot)
        ranking = Ranking(snapshot.faq, snapshot.settings.faq, snapshot.settings.time_zone, lambda: datetime.now(UTC))
        near = tuple(candidate.match for candidate in ranking.candidates(phrase, language))
        found = exact.lookup(phrase, language) or ranking.match(phrase, language)
        return SimpleNamespace(match=found, candidates=near)

    return [
        faq_files_router(office.faq, office.faq_import),
        faq_router(office.faq, office.publisher, match),
    ]


async def created(client: httpx.AsyncClient, **fields: object) -> dict:
    reply = await client.post("/faq", json=fields)
    assert reply.status_code == 201, reply.text
    return reply.json()["entry"]


async def test_the_map_has_the_enabled_answers_and_only_these(client: httpx.AsyncClient) -> None:
    await created(client, trigger="Где парковка?", response="Во дворе.")
    await created(client, question="Секрет фирмы", answer="Нет.", enabled=False)
    faq = (await client.get("/faq")).json()["faq"]
    assert faq["Где парковка?"] == "Во дворе."
    assert "Секрет фирмы" not in faq
    count = len(faq)
    for path in ("/faq/reload", "/faq/save"):
        assert (await client.post(path)).json() == {"status": "ok", "count": count}


@pytest.mark.parametrize("trigger", ["цена/доставка", "a/b//c", "Сколько? 100%", "Доставка 🚚 завтра", "../../etc"])
async def test_any_question_can_be_renamed_and_deleted_by_its_text(
    client: httpx.AsyncClient, office: Office, trigger: str
) -> None:
    entry = await created(client, question=trigger, answer="Да.", keywords=["ключевое слово"])
    await office.faq.record_hits({entry["id"]: 3})
    path = f"/faq/{quote(trigger, safe='')}"
    renamed = await client.put(path, json={"trigger": "Новый вопрос / 2", "response": "Нет."})
    assert renamed.status_code == 200, renamed.text
    after = renamed.json()["entry"]
    assert (after["id"], after["hits"], after["keywords"]) == (entry["id"], 3, ["ключевое слово"])
    assert (after["question"], after["answer"], after["version"]) == ("Новый вопрос / 2", "Нет.", 2)
    assert (await client.put(path, json={"response": "Да."})).status_code == 404
    gone = await client.delete(f"/faq/{quote('Новый вопрос / 2', safe='')}")
    assert gone.json() == {"status": "ok", "deleted": "Новый вопрос / 2"}
    assert (await client.delete(path)).status_code == 404


async def test_an_entry_is_read_changed_and_deleted_with_its_version(client: httpx.AsyncClient) -> None:
    entry = await created(client, question="Где вход?", answer="Слева.", alternatives=["как войти"])
    path = f"/faq/entries/{entry['id']}"
    read_ = await client.get(path)
    assert read_.headers["etag"] == '"1"'
    changed = {"question": "Где вход?", "answer": "Справа.", "language": "ru"}
    assert (await client.put(path, json=changed)).status_code == 428
    done = await client.put(path, json=changed, headers={"if-match": read_.headers["etag"]})
    assert done.json()["answer"] == "Справа."
    assert done.headers["etag"] == '"2"'
    assert (await client.put(path, json={**changed, "version": 1})).status_code == 409
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_entries_are_searched_and_paged(client: httpx.AsyncClient) -> None:
    for number in range(5):
        await created(client, question=f"Тайный вопрос {number}", answer="Да", enabled=number != 3)
    page = (await client.get("/faq/entries", params={"search": "тайный", "limit": 2, "offset": 1})).json()
    assert (len(page["entries"]), page["total"], page["limit"], page["offset"]) == (2, 5, 2, 1)
    off = (await client.get("/faq/entries", params={"search": "тайный", "enabled": "false"})).json()
    assert [each["question"] for each in off["entries"]] == ["Тайный вопрос 3"]
    assert (await client.get("/faq/entries", params={"search": "тайный", "language": "en"})).json()["total"] == 0


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/faq/entries?limit=0", "limit"),
        ("/faq/entries?offset=-1", "offset"),
        ("/faq/entries?limit=1e9", "limit"),
        ("/faq/entries/0", "entry_id"),
        ("/faq/entries/99999999999999999999", "entry_id"),
        ("/faq/entries/zwei", "entry_id"),
        ("/faq/entries?search=a%00b", None),
        ("/faq/export?format=xls", "format"),
    ],
)
async def test_bad_addresses_are_named(client: httpx.AsyncClient, path: str, param: str | None) -> None:
    reply = await client.get(path)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == param


@pytest.mark.parametrize(
    "body",
    [
        {"question": "?", "answer": "x"},
        {"question": "да нет\0", "answer": "x"},
        {"question": "x" * 501, "answer": "x"},
        {"question": "Вопрос", "answer": " "},
        {"question": "Вопрос", "answer": "x" * 4001},
        {"question": "Вопрос", "answer": "x", "keywords": ["слово"] * 51},
        {"question": "Вопрос", "answer": "x", "language": "русский"},
        {"question": "Вопрос", "answer": "x", "no_such_field": 1},
        {"question": "🚚🚚🚚", "answer": "x"},
        {"question": {"a": []}, "answer": "x"},
        {"question": None, "answer": None},
        {},
    ],
)
async def test_bad_entries_are_refused_and_nothing_is_stored(
    client: httpx.AsyncClient, office: Office, body: dict
) -> None:
    before = office.publisher.current.revision
    reply = await client.post("/faq", json=body)
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["message"]
    assert office.publisher.current.revision == before


async def test_broken_deep_and_large_bodies_are_refused(client: httpx.AsyncClient) -> None:
    json_type = {"content-type": "application/json"}
    surrogate = b'{"question": "da \\ud800 net", "answer": "x"}'
    for content, status in ((b"{", 400), (b"[" * 100_000, 400), (surrogate, 400), (b"x" * 10_000_000, 413)):
        reply = await client.post("/faq", content=content, headers=json_type)
        assert reply.status_code == status, content[:20]
        assert set(reply.json()) == {"error", "detail"}


async def test_two_entries_cannot_have_one_question(client: httpx.AsyncClient) -> None:
    await created(client, question="Где вход?", answer="Слева.")
    await created(client, question="Где вход?", answer="Left.", language="en")
    reply = await client.post("/faq", json={"trigger": "где ВХОД", "response": "Справа."})
    assert (reply.status_code, reply.json()["error"]["param"]) == (409, "question")
    await created(client, question="Где выход?", answer="Справа.")
    taken = await client.put("/faq/Где выход%3F", json={"trigger": "Где вход"})
    assert taken.status_code == 409


async def test_a_phrase_is_tried(client: httpx.AsyncClient) -> None:
    entry = await created(client, question="Сколько стоит доставка мебели", answer="Тысяча.")
    exact = (await client.post("/faq/test", json={"text": "сколько СТОИТ доставка мебели?"})).json()
    assert (exact["match"], exact["response"], exact["rule"], exact["score"]) == (
        "Сколько стоит доставка мебели",
        "Тысяча.",
        "exact",
        100.0,
    )
    assert exact["entry"]["id"] == entry["id"]
    near = (await client.post("/faq/test", json={"text": "доставка", "language": "ru"})).json()
    assert near["match"] is None
    assert any(each["entry_id"] == entry["id"] and each["score"] > 0 for each in near["candidates"])


async def test_statistics_count_everything(client: httpx.AsyncClient, office: Office) -> None:
    before = (await client.get("/faq/stats")).json()
    entry = await created(client, question="Где вход?", answer="Слева.")
    await created(client, question="Where is it", answer="There.", language="en", enabled=False)
    await office.faq.record_hits({entry["id"]: 7})
    after = (await client.get("/faq/stats")).json()
    assert after["total"] == before["total"] + 2
    assert after["enabled"] == before["enabled"] + 1
    assert after["hits"] == before["hits"] + 7
    assert after["never"] == before["never"]
    assert after["top"][0]["id"] == entry["id"]
    assert after["languages"]["en"] == before["languages"]["en"] + 1


@pytest.mark.parametrize("format", ["json", "csv"])
async def test_an_export_is_imported_without_any_difference(
    client: httpx.AsyncClient, office: Office, format: str
) -> None:
    await created(client, question="=1+1 формула", answer="'@\n\r\n|\\|", alternatives=["a|b\\", "-x y"], enabled=False)
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
    }
    assert await office.faq.all() == before


async def test_an_import_is_tried_then_done_in_one_transaction(client: httpx.AsyncClient, office: Office) -> None:
    entry = await created(client, question="Где вход?", answer="Слева.", keywords=["вход"])
    await office.faq.record_hits({entry["id"]: 3})
    revision, count = office.publisher.current.revision, len(await office.faq.all())
    text = (
        "Trigger;Response;Keywords\nгде вход;Справа.;вход | дверь\n?;Пусто;\nНовый вопрос;Да.;\nНОВЫЙ вопрос!;Нет.;\n"
    )
    upload = {"file": ("faq.csv", text.encode("utf-8-sig"), "text/csv")}
    dry = (await client.post("/faq/import", files=upload, params={"dry_run": "true"})).json()
    assert (dry["applied"], dry["created"], dry["updated"]) == (False, 1, 1)
    assert [each["line"] for each in dry["refused"]] == [3, 5]
    assert "line 4" in dry["refused"][1]["error"]
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


async def test_replacing_deletes_what_the_file_does_not_have(client: httpx.AsyncClient, office: Office) -> None:
    body = json.dumps({"faq": {"Один вопрос": "Один.", "Два вопроса": "Два."}}).encode()
    report = (await client.post("/faq/import", content=body, params={"mode": "replace"})).json()
    assert (report["created"], report["deleted"] > 0) == (2, True)
    assert {entry.question for entry in await office.faq.all()} == {"Один вопрос", "Два вопроса"}
    empty = await client.post("/faq/import", content=b"[]", params={"mode": "replace"})
    assert empty.status_code == 400
    assert len(await office.faq.all()) == 2


@pytest.mark.parametrize("mode", ["merge", "replace"])
async def test_what_a_file_does_not_tell_of_an_entry_stays(
    client: httpx.AsyncClient, office: Office, mode: str
) -> None:
    entry = await created(
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


async def test_the_map_of_answers_is_imported_without_any_difference(client: httpx.AsyncClient, office: Office) -> None:
    before = await office.faq.all()
    assert {entry.language for entry in before} == {"ru", "en"}
    report = (await client.post("/faq/import", content=(await client.get("/faq")).content)).json()
    assert (report["created"], report["updated"], report["unchanged"]) == (0, 0, len(before))
    assert await office.faq.all() == before


async def test_an_answer_without_a_language_is_in_the_default_one(client: httpx.AsyncClient, office: Office) -> None:
    await office.settings.adjust({"default_language": "en"}, by="test")
    written = (await client.post("/faq", json={"trigger": "Where is it", "response": "Here."})).json()["entry"]
    assert written["language"] == "en"
    both = {"Where is it": "There.", "And when": "Now."}
    report = (await client.post("/faq/import", json={"faq": both})).json()
    assert (report["created"], report["updated"]) == (1, 1)
    assert {entry.language for entry in await office.faq.all() if entry.question in both} == {"en"}
    same = {"question": "Where is it?", "answer": "Ici.", "language": "fr"}
    french = (await client.post("/faq", json=same)).json()["entry"]
    again = {"question": "Where is it?", "answer": "Là.", "version": french["version"]}
    replaced = (await client.put(f"/faq/entries/{french['id']}", json=again)).json()
    assert (replaced["language"], replaced["answer"]) == ("fr", "Là.")


async def test_a_question_that_stands_in_two_languages_is_not_guessed(
    client: httpx.AsyncClient, office: Office
) -> None:
    for language, spelling in (("en", "Where is it"), ("de", "where is it?")):
        await created(client, question=spelling, answer=language, language=language)
    before = await office.faq.all()
    report = (await client.post("/faq/import", json={"faq": {"Where is it": "en"}})).json()
    assert (report["unchanged"], report["created"], report["refused"]) == (1, 0, [])
    body = b'{"faq": {"WHERE IS IT": "x"}}'
    report = (await client.post("/faq/import", content=body)).json()
    assert "en, de" in report["refused"][0]["error"]
    assert (await client.post("/faq/import", content=body, params={"mode": "replace"})).status_code == 400
    assert await office.faq.all() == before


async def test_there_are_only_as_many_answers_as_there_may_be(office: Office) -> None:
    count = len(await office.faq.all())
    full = FaqAdministration(office.database, office.desk, most=count)
    with pytest.raises(Conflict):
        await full.create(FaqDraft(question="Ещё один", answer="Да."), by="test")
    imports = FaqImport(office.database, office.desk, most=count)
    rows, refused = read("question,answer\nЕщё один,Да.\n".encode(), "csv")
    with pytest.raises(TooLarge):
        await imports.run(rows, refused, "merge", dry_run=False, by="test")
    with pytest.raises(TooLarge):
        await imports.run(rows, refused, "merge", dry_run=True, by="test")
    assert len(await office.faq.all()) == count
    await imports.run(rows, refused, "replace", dry_run=False, by="test")
    assert len(await office.faq.all()) == 1


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "json"),
        (b"{", "json"),
        (b"3", "json"),
        (b'{"entries": 3}', "json"),
        (b"\xff\xfe", "csv"),
        (b"question,question\n", "csv"),
        (b"a,b\n1,2\n", "csv"),
        (b'question,answer\n"x', "csv"),
        (b"[" * 50_000, "json"),
    ],
)
async def test_a_file_that_is_none_is_refused(client: httpx.AsyncClient, content: bytes, kind: str) -> None:
    reply = await client.post("/faq/import", content=content, params={"format": kind})
    assert reply.status_code == 400, reply.text


async def test_odd_rows_are_refused_one_by_one(client: httpx.AsyncClient) -> None:
    rows = ["text", None, 3, {"question": "Так\0", "answer": "x"}, {"question": "Хорошо ли", "answer": "Да"}, {}]
    report = (await client.post("/faq/import", json={"entries": rows})).json()
    assert report["created"] == 1
    assert [each["line"] for each in report["refused"]] == [1, 2, 3, 4, 6]
    cells = "question,answer,enabled\nПервый вопрос,Да,maybe\nВторой вопрос,Да,true,extra\nТретий вопрос,Да,нет\n"
    report = (await client.post("/faq/import", content=cells.encode())).json()
    assert report["created"] == 1
    assert [each["line"] for each in report["refused"]] == [2, 3]


async def test_a_viewer_reads_and_does_not_write(office: Office) -> None:
    async with admin_client(office, lambda o: routers(o), "viewer") as client:
        assert (await client.get("/faq")).status_code == 200
        for reply in (
            await client.post("/faq", json={"trigger": "Где вход", "response": "x"}),
            await client.delete("/faq/entries/1"),
            await client.post("/faq/import", content=b"[]"),
        ):
            assert reply.status_code == 403


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
@settings(max_examples=150, deadline=None)
def test_files_are_read_back_exactly(written: list[FaqEntry]) -> None:
    for kind, data in (("csv", to_csv(written)), ("json", to_json(written))):
        rows, refused = read(data, kind)
        assert refused == ()
        assert [FaqEntry(**row.draft.model_dump()) for row in rows] == written
    cells = [cell for line in _cells(to_csv(written)) for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def _cells(data: bytes):
    import csv

    return csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
