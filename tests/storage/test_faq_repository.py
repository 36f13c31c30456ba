import pytest

from deployments.contracts.faq_entry import FaqEntry
from storage.database import Database
from tests.storage.database_urls import ON_BOTH_DATABASES


async def test_entry_is_returned_as_stored(database: Database) -> None:
    entry = FaqEntry(question="Ещё вопрос?", answer="Да", alternatives=("а что",), keywords=("прайс", "цена"))
    async with database.unit_of_work() as work:
        stored = await work.faq.add(entry)
    async with database.unit_of_work() as work:
        assert await work.faq.get(stored.id) == stored
    assert stored == entry.model_copy(update={"id": stored.id, "updated_at": stored.updated_at})


@ON_BOTH_DATABASES
async def test_search_ignores_case_yo_and_punctuation(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.faq.add(FaqEntry(question="Ещё вопрос?", answer="Ответ", keywords=("прайс",)))
        for query in ("ещё", "ЕЩЕ", "еще вопрос", "вопрос,  ещё!", "прайс", "ОТВЕТ", ""):
            assert (await work.faq.search(query, None, 10, 0))[1] == 1, query


@ON_BOTH_DATABASES
async def test_search_requires_every_word_literally(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.faq.add(FaqEntry(question="Вопрос 100", answer="Ответ"))
        for query, expected in (("100_", 1), ("%", 1), ("другое", 0), ("вопрос другое", 0)):
            assert (await work.faq.search(query, None, 10, 0))[1] == expected, query


async def test_search_pages_are_disjoint_and_complete(database: Database) -> None:
    async with database.unit_of_work() as work:
        for number in range(7):
            await work.faq.add(FaqEntry(question=f"Вопрос {number}", answer="Да"))
        await work.faq.add(FaqEntry(question="Question", answer="Yes", language="en"))
        pages = [await work.faq.search("", "ru", 3, offset) for offset in (0, 3, 6)]
    ids = [entry.id for entries, _ in pages for entry in entries]
    assert len(ids) == len(set(ids)) == 7
    assert {total for _, total in pages} == {7}


@ON_BOTH_DATABASES
async def test_ids_are_never_reused(database: Database) -> None:
    async with database.unit_of_work() as work:
        first = await work.faq.add(FaqEntry(question="Раз", answer="Да"))
        await work.faq.remove(first.id)
        second = await work.faq.add(FaqEntry(question="Два", answer="Да"))
        await work.faq.remove(second.id)
        await work.faq.add_all([FaqEntry(question="Три", answer="Да")])
        (third,) = await work.faq.all()
    assert len({first.id, second.id, third.id}) == 3


@ON_BOTH_DATABASES
async def test_bulk_methods_store_like_single_ones(database: Database) -> None:
    entries = [FaqEntry(question=f"Ещё {n}?", answer="Да", keywords=("прайс", f"{n} ₽")) for n in range(1_100)]
    async with database.unit_of_work() as work:
        await work.faq.add_all(entries)
        stored = await work.faq.all()
        await work.faq.add_hits({stored[0].id: 3})
    assert [entry.model_copy(update={"id": 0, "updated_at": None}) for entry in stored] == entries
    changes = [stored[n].model_copy(update={"answer": "Нет", "enabled": False, "version": 99}) for n in (0, 1)]
    async with database.unit_of_work() as work:
        await work.faq.replace_all([*changes, stored[0].model_copy(update={"id": 10_000_000, "question": "Нет её"})])
        await work.faq.remove_all([entry.id for entry in stored[2:]])
        await work.faq.add_all(())
        await work.faq.replace_all(())
    async with database.unit_of_work() as work:
        remaining = await work.faq.all()
        assert await work.faq.count() == len(remaining)
        found, _ = await work.faq.search("нет 0", None, 10, 0)
        assert await work.faq.all_enabled() == ()
    assert [(e.id, e.answer, e.enabled, e.version, e.hits) for e in remaining] == [
        (stored[0].id, "Нет", False, 2, 3),
        (stored[1].id, "Нет", False, 2, 0),
    ]
    assert [entry.id for entry in found] == [stored[0].id]
    for before, after in zip(stored, remaining, strict=False):
        assert before.updated_at
        assert after.updated_at
        assert after.updated_at > before.updated_at


async def test_hits_add_up_and_skip_unknown_ids(database: Database) -> None:
    async with database.unit_of_work() as work:
        entry = await work.faq.add(FaqEntry(question="Раз", answer="Да"))
        await work.faq.add_hits({entry.id: 2, 999: 5})
    async with database.unit_of_work() as work:
        await work.faq.add_hits({entry.id: 3})
    async with database.unit_of_work() as work:
        stored = await work.faq.get(entry.id)
    assert stored is not None
    assert (stored.hits, stored.version) == (5, 1)


async def test_all_enabled_omits_hits_and_disabled_entries(database: Database) -> None:
    async with database.unit_of_work() as work:
        entry = await work.faq.add(FaqEntry(question="Раз", answer="Да", alternatives=("Один",), keywords=("1 раз",)))
        await work.faq.add(FaqEntry(question="Два", answer="Да", enabled=False))
        await work.faq.add_hits({entry.id: 2})
    async with database.unit_of_work() as work:
        stored = await work.faq.get(entry.id)
        assert stored is not None
        assert await work.faq.all_enabled() == (stored.model_copy(update={"hits": 0}),)


@ON_BOTH_DATABASES
async def test_entry_is_found_replaced_and_counted(database: Database) -> None:
    async with database.unit_of_work() as work:
        russian = await work.faq.add(FaqEntry(question="Ещё вопрос?", answer="Да"))
        english = await work.faq.add(FaqEntry(question="Еще вопрос", answer="Yes", language="en", enabled=False))
        await work.faq.add_hits({russian.id: 3})
    async with database.unit_of_work() as work:
        assert await work.faq.find_id("ru", "еще  ВОПРОС") == russian.id
        assert [entry.id for entry in await work.faq.with_question("ещё вопрос")] == [russian.id, english.id]
        statistics = await work.faq.statistics(1)
        assert (statistics.total, statistics.enabled, statistics.hits) == (2, 1, 3)
        assert (statistics.languages, statistics.never_asked) == ({"en": 1, "ru": 1}, 0)
        assert [entry.id for entry in statistics.top] == [russian.id]
        replaced = await work.faq.replace(english.model_copy(update={"answer": "Yes.", "enabled": True}))
        assert (replaced.answer, replaced.version) == ("Yes.", english.version + 1)
        with pytest.raises(KeyError):
            await work.faq.replace(english.model_copy(update={"id": 10_000}))
