"""FAQ entries: validation, versions, publication and import."""

import asyncio

import pytest
from pydantic import ValidationError
from sqlalchemy import event

from deployments.administration.faq.files import read_import_rows
from deployments.administration.faq.service import FaqDraft
from deployments.administration.office.composition import OfficeServices
from deployments.contracts.errors import Conflict, NotFound
from tests.faq_hits import add_faq_hits
from tests.unit.administration.conftest import audited

DRAFT = FaqDraft(question="Есть ли парковка?", answer="Да, во дворе.", keywords=("парковка",))


async def test_created_entry_is_audited_and_published(office: OfficeServices) -> None:
    before = office.publisher.current.revision
    entry = await office.faq.create(DRAFT, "admin")
    assert await office.faq.get(entry.id) == entry
    assert office.publisher.current.revision == before + 1
    assert entry in office.publisher.current.faq
    assert (await audited(office))[0] == ("admin", "create", "faq")


async def test_updated_entry_is_published_with_new_version(office: OfficeServices) -> None:
    entry = await office.faq.create(DRAFT, "admin")
    changed = DRAFT.model_copy(update={"answer": "Нет."})
    updated = await office.faq.update(entry.id, changed, entry.version, "admin")
    assert (updated.answer, updated.version) == ("Нет.", 2)
    assert updated in office.publisher.current.faq


async def test_concurrent_update_of_one_version_conflicts(office: OfficeServices) -> None:
    entry = await office.faq.create(DRAFT, "admin")
    outcomes = await asyncio.gather(
        office.faq.update(entry.id, DRAFT.model_copy(update={"answer": "Раз"}), 1, "anna"),
        office.faq.update(entry.id, DRAFT.model_copy(update={"answer": "Два"}), 1, "marina"),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "FaqEntry"]


@pytest.mark.parametrize("question", ["есть ли ПАРКОВКА", "Есть  ли парковка!", "«Есть ли парковка?»"])
async def test_question_spelled_differently_conflicts(office: OfficeServices, question: str) -> None:
    await office.faq.create(DRAFT, "admin")
    revision = office.publisher.current.revision
    with pytest.raises(Conflict):
        await office.faq.create(DRAFT.model_copy(update={"question": question}), "admin")
    assert office.publisher.current.revision == revision
    assert (await audited(office))[0] == ("admin", "create", "faq")
    assert (await office.faq.create(FaqDraft(question=question, answer="Yes", language="en"), "admin")).language == "en"


async def test_rename_to_taken_question_conflicts(office: OfficeServices) -> None:
    entry = await office.faq.create(DRAFT, "admin")
    with pytest.raises(Conflict):
        await office.faq.update(entry.id, FaqDraft(question="Здравствуйте!", answer="?"), 1, "admin")
    renamed = await office.faq.update(entry.id, DRAFT.model_copy(update={"question": "Есть ли парковка!"}), 1, "admin")
    assert (renamed.id, renamed.question) == (entry.id, "Есть ли парковка!")


async def test_deleted_entry_leaves_the_snapshot(office: OfficeServices) -> None:
    entry = await office.faq.create(DRAFT, "admin")
    await office.faq.delete(entry.id, "admin")
    assert entry.id not in {each.id for each in office.publisher.current.faq}
    with pytest.raises(NotFound):
        await office.faq.get(entry.id)
    with pytest.raises(NotFound):
        await office.faq.delete(entry.id, "admin")
    with pytest.raises(NotFound):
        await office.faq.update(entry.id, DRAFT, 1, "admin")


async def test_disabled_entry_is_listed_but_not_published(office: OfficeServices) -> None:
    entry = await office.faq.create(DRAFT.model_copy(update={"enabled": False}), "admin")
    assert entry.id not in {each.id for each in office.publisher.current.faq}
    page = await office.faq.list("парковка", language="ru")
    assert ([each.id for each in page.entries], page.total) == ([entry.id], 1)


async def test_hits_need_no_revision_and_survive_updates(office: OfficeServices) -> None:
    entry = await office.faq.create(DRAFT, "admin")
    revision = office.publisher.current.revision
    await add_faq_hits(office, {entry.id: 3, 10_000: 1})
    assert office.publisher.current.revision == revision
    updated = await office.faq.update(entry.id, DRAFT.model_copy(update={"answer": "Нет"}), 1, "admin")
    assert updated.hits == 3


async def test_unchanged_entries_stay_the_same_objects(
    office: OfficeServices,
) -> None:
    entry = await office.faq.create(DRAFT, "admin")
    before = office.publisher.current.faq
    await add_faq_hits(office, {each.id: 3 for each in before})
    await office.faq.update(entry.id, DRAFT.model_copy(update={"answer": "Нет"}), 1, "admin")
    after = office.publisher.current.faq
    assert [each.id for each in after if not any(each is old for old in before)] == [entry.id]


@pytest.mark.parametrize("question", ["?", "!!", "а", "а?!", "  а  ", "__", ""])
def test_question_shorter_than_two_is_rejected(question: str) -> None:
    with pytest.raises(ValidationError):
        FaqDraft(question=question, answer="Да")


@pytest.mark.parametrize("field", ["alternatives", "keywords"])
def test_triggers_are_validated_and_deduplicated(field: str) -> None:
    with pytest.raises(ValidationError):
        FaqDraft(question="Вопрос", answer="Да", **{field: ("я",)})
    draft = FaqDraft(question="Вопрос", answer="Да", **{field: (" Прайс ", "прайс!", "", "цена")})
    assert getattr(draft, field) == ("Прайс", "цена")


def test_alternative_equal_to_question_is_dropped() -> None:
    assert FaqDraft(question="Вопрос?", answer="Да", alternatives=("вопрос", "спрос")).alternatives == ("спрос",)


async def test_change_of_cancelled_caller_is_published(office: OfficeServices) -> None:
    revision = office.publisher.current.revision
    task = asyncio.create_task(office.faq.create(DRAFT, "admin"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await office.snapshot_writer.close()
    assert office.publisher.current.revision == revision + 1
    assert (await office.faq.list("парковка")).total == 1


async def test_concurrent_changes_have_consecutive_revisions(office: OfficeServices) -> None:
    first = office.publisher.current.revision
    drafts = (DRAFT.model_copy(update={"question": f"Вопрос {number}"}) for number in range(20))
    await asyncio.gather(*(office.faq.create(draft, "admin") for draft in drafts))
    assert office.publisher.current.revision == first + 20
    assert len({e.question for e in office.publisher.current.faq if e.question.startswith("Вопрос")}) == 20


async def test_large_import_uses_few_statements(office: OfficeServices) -> None:
    """SQLite has one connection, so that an import blocks every other request."""
    executed: list[str] = []
    assert office.database._engine is not None
    event.listen(office.database._engine.sync_engine, "before_cursor_execute", lambda *it: executed.append(it[2]))
    for answer in ("Да.", "Нет."):
        text = "question,answer\n" + "".join(f"Вопрос {number},{answer}\n" for number in range(300))
        rows, refused = read_import_rows(text.encode(), "csv")
        report = await office.faq_importer.import_rows(rows, refused, "replace", dry_run=False, by="admin")
        assert report.created + report.updated == 300
    assert len(executed) < 60
