"""FAQ entries over the admin API: entries, the map of questions to answers, and match tests."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest

from deployments.administration.office.composition import OfficeServices
from tests.api.admin.admin_client import admin_client
from tests.api.admin.faq_area import create_entry, faq_routers
from tests.faq_hits import add_faq_hits


@pytest.fixture
async def client(office: OfficeServices) -> AsyncIterator[httpx.AsyncClient]:
    async with admin_client(office, faq_routers, "operator") as client:
        yield client


async def test_faq_map_has_only_enabled_entries(client: httpx.AsyncClient) -> None:
    await create_entry(client, trigger="Где парковка?", response="Во дворе.")
    await create_entry(client, question="Секрет фирмы", answer="Нет.", enabled=False)
    faq = (await client.get("/faq")).json()["faq"]
    assert faq["Где парковка?"] == "Во дворе."
    assert "Секрет фирмы" not in faq
    count = len(faq)
    for path in ("/faq/reload", "/faq/save"):
        assert (await client.post(path)).json() == {"status": "ok", "count": count}


async def test_entry_by_question_is_renamed_and_deleted(client: httpx.AsyncClient, office: OfficeServices) -> None:
    for trigger in (
        "цена/доставка",
        "a/b//c",
        "Сколько? 100%",
        "Доставка 🚚 завтра",
        "../../etc",
    ):
        entry = await create_entry(client, question=trigger, answer="Да.", keywords=["ключевое слово"])
        await add_faq_hits(office, {entry["id"]: 3})
        path = f"/faq/{quote(trigger, safe='')}"
        renamed = await client.put(path, json={"trigger": "Новый вопрос / 2", "response": "Нет."})
        assert renamed.status_code == 200, renamed.text
        after = renamed.json()["entry"]
        assert (after["id"], after["hits"], after["keywords"]) == (entry["id"], 3, ["ключевое слово"])
        assert (after["question"], after["answer"], after["version"]) == ("Новый вопрос / 2", "Нет.", 2)
        assert (await client.put(path, json={"response": "Да."})).status_code == 404
        deleted = await client.delete(f"/faq/{quote('Новый вопрос / 2', safe='')}")
        assert deleted.json() == {"status": "ok", "deleted": "Новый вопрос / 2"}
        assert (await client.delete(path)).status_code == 404


async def test_entry_change_requires_current_version(client: httpx.AsyncClient) -> None:
    entry = await create_entry(client, question="Где вход?", answer="Слева.", alternatives=["как войти"])
    path = f"/faq/entries/{entry['id']}"
    read = await client.get(path)
    assert read.headers["etag"] == '"1"'
    changed = {"question": "Где вход?", "answer": "Справа.", "language": "ru"}
    assert (await client.put(path, json=changed)).status_code == 428
    done = await client.put(path, json=changed, headers={"if-match": read.headers["etag"]})
    assert done.json()["answer"] == "Справа."
    assert done.headers["etag"] == '"2"'
    assert (await client.put(path, json={**changed, "version": 1})).status_code == 409
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_entries_are_searched_and_paged(client: httpx.AsyncClient) -> None:
    for number in range(5):
        await create_entry(client, question=f"Тайный вопрос {number}", answer="Да", enabled=number != 3)
    page = (await client.get("/faq/entries", params={"search": "тайный", "limit": 2, "offset": 1})).json()
    assert (len(page["entries"]), page["total"], page["limit"], page["offset"]) == (2, 5, 2, 1)
    off = (await client.get("/faq/entries", params={"search": "тайный", "enabled": "false"})).json()
    assert [each["question"] for each in off["entries"]] == ["Тайный вопрос 3"]
    assert (await client.get("/faq/entries", params={"search": "тайный", "language": "en"})).json()["total"] == 0


async def test_entries_are_filtered_and_sorted_by_use(client: httpx.AsyncClient, office: OfficeServices) -> None:
    rare, often, never = [await create_entry(client, question=f"Грифон {n}", answer="Да") for n in range(3)]
    await add_faq_hits(office, {rare["id"]: 1, often["id"]: 9})
    used = {"search": "грифон", "used": "true", "order": "hits"}
    page = (await client.get("/faq/entries", params=used)).json()
    assert [each["id"] for each in page["entries"]] == [often["id"], rare["id"]]
    unused = (await client.get("/faq/entries", params={"search": "грифон", "used": "false"})).json()
    assert [each["id"] for each in unused["entries"]] == [never["id"]]


async def test_selection_is_switched_and_deleted(client: httpx.AsyncClient, office: OfficeServices) -> None:
    ids = [(await create_entry(client, question=f"Список {n}", answer="Да"))["id"] for n in range(3)]
    before = (await office.faq.get(ids[0])).updated_at
    switched = await client.post("/faq/entries/selection", json={"action": "disable", "ids": [*ids[:2], 10**6]})
    assert switched.json()["changed"] == 2
    entry = await office.faq.get(ids[0])
    assert (entry.enabled, entry.version, entry.updated_at) == (False, 2, before)
    assert ids[0] not in {each.id for each in office.publisher.current.faq}
    deleted = await client.post("/faq/entries/selection", json={"action": "delete", "ids": ids})
    assert deleted.json()["changed"] == 3
    assert (await client.get(f"/faq/entries/{ids[0]}")).status_code == 404


async def test_topic_joins_one_answer_in_two_languages(client: httpx.AsyncClient) -> None:
    russian = await create_entry(client, question="Есть лифт?", answer="Да", topic="lift")
    english = await create_entry(client, question="Is there a lift?", answer="Yes", language="en", topic="lift")
    siblings = (await client.get(f"/faq/entries/{russian['id']}/siblings")).json()
    assert [each["id"] for each in siblings] == [english["id"]]
    second = {"question": "Лифт?", "answer": "Да", "topic": "lift"}
    assert (await client.post("/faq", json=second)).status_code == 409


async def test_unknown_placeholder_is_refused(client: httpx.AsyncClient) -> None:
    for answer in ("До {closing_time}.", "{{company}}", "{ имя }"):
        refused = await client.post("/faq", json={"question": "Когда?", "answer": answer})
        assert refused.status_code == 400
        assert "{current_time}" in refused.text
    await create_entry(client, question="Сколько времени?", answer="{current_time}, {1}, {} и {не скобки}")


async def test_invalid_query_parameter_is_named(client: httpx.AsyncClient) -> None:
    for path, param in (
        ("/faq/entries?limit=0", "limit"),
        ("/faq/entries?offset=-1", "offset"),
        ("/faq/entries?limit=1e9", "limit"),
        ("/faq/entries/0", "entry_id"),
        ("/faq/entries/99999999999999999999", "entry_id"),
        ("/faq/entries/zwei", "entry_id"),
        ("/faq/entries?search=a%00b", None),
        ("/faq/export?format=xls", "format"),
    ):
        reply = await client.get(path)
        assert reply.status_code == 400
        assert reply.json()["error"]["param"] == param


async def test_invalid_entry_is_rejected_nothing_stored(client: httpx.AsyncClient, office: OfficeServices) -> None:
    for body in (
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
    ):
        before = office.publisher.current.revision
        reply = await client.post("/faq", json=body)
        assert reply.status_code == 400, reply.text
        assert reply.json()["error"]["message"]
        assert office.publisher.current.revision == before


async def test_malformed_deep_or_large_body_is_rejected(client: httpx.AsyncClient) -> None:
    json_type = {"content-type": "application/json"}
    surrogate = b'{"question": "da \\ud800 net", "answer": "x"}'
    for content, status in ((b"{", 400), (b"[" * 100_000, 400), (surrogate, 400), (b"x" * 10_000_000, 413)):
        reply = await client.post("/faq", content=content, headers=json_type)
        assert reply.status_code == status, content[:20]
        assert set(reply.json()) == {"error", "detail"}


async def test_duplicate_question_conflicts_per_language(client: httpx.AsyncClient) -> None:
    await create_entry(client, question="Где вход?", answer="Слева.")
    await create_entry(client, question="Где вход?", answer="Left.", language="en")
    reply = await client.post("/faq", json={"trigger": "где ВХОД", "response": "Справа."})
    assert (reply.status_code, reply.json()["error"]["param"]) == (409, "question")
    await create_entry(client, question="Где выход?", answer="Справа.")
    taken = await client.put("/faq/Где выход%3F", json={"trigger": "Где вход"})
    assert taken.status_code == 409


async def test_match_test_returns_match_and_candidates(client: httpx.AsyncClient) -> None:
    entry = await create_entry(client, question="Сколько стоит доставка мебели", answer="Тысяча.")
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


async def test_match_test_shows_every_stage(client: httpx.AsyncClient) -> None:
    entry = await create_entry(client, question="Доставка мебели в область", answer="Да.", keywords=["доставка"])
    refused = (await client.post("/faq/test", json={"text": "доставка не нужна", "language": "ru"})).json()
    exact, ranked, meaning = refused["stages"]
    assert refused["match"] is None
    found = next(each for each in exact["candidates"] if each["entry_id"] == entry["id"])
    assert (found["rule"], found["score"], found["refused"]) == ("keyword", 95.0, ["negation"])
    near = next(each for each in ranked["candidates"] if each["entry_id"] == entry["id"])
    assert (ranked["threshold"], ranked["margin"]) == (82.0, 4.0)
    assert {"threshold", "negation"} <= set(near["refused"])
    assert near["score"] < 82
    assert (meaning["stage"], meaning["state"], meaning["candidates"]) == ("meaning", "unavailable", [])


async def test_statistics_count_all_entries(client: httpx.AsyncClient, office: OfficeServices) -> None:
    before = (await client.get("/faq/stats")).json()
    entry = await create_entry(client, question="Где вход?", answer="Слева.")
    await create_entry(client, question="Where is it", answer="There.", language="en", enabled=False)
    await add_faq_hits(office, {entry["id"]: 7})
    after = (await client.get("/faq/stats")).json()
    assert after["total"] == before["total"] + 2
    assert after["enabled"] == before["enabled"] + 1
    assert after["hits"] == before["hits"] + 7
    assert after["never"] == before["never"]
    assert after["top"][0]["id"] == entry["id"]
    assert after["languages"]["en"] == before["languages"]["en"] + 1


async def test_entry_without_language_takes_the_default(client: httpx.AsyncClient, office: OfficeServices) -> None:
    await office.settings.update_fields({"default_language": "en"}, by="test")
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


async def test_viewer_reads_faq_but_cannot_write(office: OfficeServices) -> None:
    async with admin_client(office, faq_routers, "viewer") as client:
        assert (await client.get("/faq")).status_code == 200
        for reply in (
            await client.post("/faq", json={"trigger": "Где вход", "response": "x"}),
            await client.delete("/faq/entries/1"),
            await client.post("/faq/import", content=b"[]"),
        ):
            assert reply.status_code == 403
