import asyncio

import pytest
from pydantic import ValidationError
from sqlalchemy import event

from deployments.administration.faq.files import read_import_rows
from deployments.administration.faq.service import FaqDraft
from deployments.administration.office.composition import OfficeServices
from deployments.contracts.errors import Conflict, NotFound
from tests.unit.administration.conftest import audited

DRAFT = FaqDraft(question="Есть ли парковка?", answer="Да, во дворе.", keywords=("парковка",))


async def test_a_new_answer_is_stored_audited_and_published(office: OfficeServices) -> None:
    before = office.publisher.current.revision
    entry = await office.faq.create(DRAFT, "admin")
    assert await office.faq.get(entry.id) == entry
    assert office.publisher.current.revision == before + 1
    assert entry in office.publisher.current.faq
    assert (await audited(office))[0] == ("admin", "create", "faq")


async def test_a_changed_answer_rises_in_version_and_reaches_the_snapshot(office: OfficeServices) -> None:
    entry = await office.faq.create(DRAFT, "admin")
    changed = DRAFT.model_copy(update={"answer": "Нет."})
    updated = await office.faq.update(entry.id, changed, entry.version, "admin")
    assert (updated.answer, updated.version) == ("Нет.", 2)
    assert updated in office.publisher.current.faq


async def test_of_two_people_who_read_the_same_version_the_second_is_told(office: OfficeServices) -> None:
    entry = await office.faq.create(DRAFT, "admin")
    outcomes = await asyncio.gather(
        office.faq.update(entry.id, DRAFT.model_copy(update={"answer": "Раз"}), 1, "anna"),
        office.faq.update(entry.id, DRAFT.model_copy(update={"answer": "Два"}), 1, "marina"),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "FaqEntry"]


@pytest.mark.parametrize("question", ["есть ли ПАРКОВКА", "Есть  ли парковка!", "«Есть ли парковка?»"])
async def test_the_same_question_in_other_clothes_is_a_conflict(office: OfficeServices, question: str) -> None:
    await office.faq.create(DRAFT, "admin")
    revision = office.publisher.current.revision
    with pytest.raises(Conflict):
        await office.faq.create(DRAFT.model_copy(update={"question": question}), "admin")
    assert office.publisher.current.revision == revision
    assert (await audited(office))[0] == ("admin", "create", "faq")
    assert (await office.faq.create(FaqDraft(question=question, answer="Yes", language="en"), "admin")).language == "en"


async def test_renaming_onto_another_question_is_a_conflict_and_onto_itself_is_not(office: OfficeServices) -> None:
    entry = await office.faq.create(DRAFT, "admin")
    with pytest.raises(Conflict):
        await office.faq.update(entry.id, FaqDraft(question="Здравствуйте!", answer="?"), 1, "admin")
    renamed = await office.faq.update(entry.id, DRAFT.model_copy(update={"question": "Есть ли парковка!"}), 1, "admin")
    assert (renamed.id, renamed.question) == (entry.id, "Есть ли парковка!")


async def test_a_deleted_answer_is_gone_everywhere(office: OfficeServices) -> None:
    entry = await office.faq.create(DRAFT, "admin")
    await office.faq.delete(entry.id, "admin")
    assert entry.id not in {each.id for each in office.publisher.current.faq}
    with pytest.raises(NotFound):
        await office.faq.get(entry.id)
    with pytest.raises(NotFound):
        await office.faq.delete(entry.id, "admin")
    with pytest.raises(NotFound):
        await office.faq.update(entry.id, DRAFT, 1, "admin")


async def test_a_disabled_answer_stays_in_the_list_and_leaves_the_snapshot(office: OfficeServices) -> None:
    entry = await office.faq.create(DRAFT.model_copy(update={"enabled": False}), "admin")
    assert entry.id not in {each.id for each in office.publisher.current.faq}
    page = await office.faq.list("парковка", language="ru")
    assert ([each.id for each in page.entries], page.total) == ([entry.id], 1)


async def test_hits_are_counted_without_a_new_revision_and_survive_an_edit(office: OfficeServices) -> None:
    entry = await office.faq.create(DRAFT, "admin")
    revision = office.publisher.current.revision
    await office.faq.record_hits({entry.id: 3, 10_000: 1})
    assert office.publisher.current.revision == revision
    updated = await office.faq.update(entry.id, DRAFT.model_copy(update={"answer": "Нет"}), 1, "admin")
    assert updated.hits == 3


async def test_answers_that_nobody_changed_stay_the_same_objects_however_often_they_were_given(
    office: OfficeServices,
) -> None:
    entry = await office.faq.create(DRAFT, "admin")
    before = office.publisher.current.faq
    await office.faq.record_hits({each.id: 3 for each in before})
    await office.faq.update(entry.id, DRAFT.model_copy(update={"answer": "Нет"}), 1, "admin")
    after = office.publisher.current.faq
    assert [each.id for each in after if not any(each is old for old in before)] == [entry.id]


@pytest.mark.parametrize("question", ["?", "!!", "а", "а?!", "  а  ", "__", ""])
def test_a_question_of_one_letter_or_none_is_refused(question: str) -> None:
    with pytest.raises(ValidationError):
        FaqDraft(question=question, answer="Да")


@pytest.mark.parametrize("field", ["alternatives", "keywords"])
def test_a_trigger_of_one_letter_is_refused_and_repetitions_are_dropped(field: str) -> None:
    with pytest.raises(ValidationError):
        FaqDraft(question="Вопрос", answer="Да", **{field: ("я",)})
    draft = FaqDraft(question="Вопрос", answer="Да", **{field: (" Прайс ", "прайс!", "", "цена")})
    assert getattr(draft, field) == ("Прайс", "цена")


def test_an_alternative_that_repeats_the_question_is_dropped() -> None:
    assert FaqDraft(question="Вопрос?", answer="Да", alternatives=("вопрос", "спрос")).alternatives == ("спрос",)


async def test_a_change_whose_asker_went_away_is_finished_and_published(office: OfficeServices) -> None:
    revision = office.publisher.current.revision
    task = asyncio.create_task(office.faq.create(DRAFT, "admin"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await office.snapshot_writer.close()
    assert office.publisher.current.revision == revision + 1
    assert (await office.faq.list("парковка")).total == 1


async def test_many_changes_at_once_are_published_in_order_without_gaps(office: OfficeServices) -> None:
    first = office.publisher.current.revision
    drafts = (DRAFT.model_copy(update={"question": f"Вопрос {number}"}) for number in range(20))
    await asyncio.gather(*(office.faq.create(draft, "admin") for draft in drafts))
    assert office.publisher.current.revision == first + 20
    assert len({e.question for e in office.publisher.current.faq if e.question.startswith("Вопрос")}) == 20


async def test_a_large_import_is_a_handful_of_statements(office: OfficeServices) -> None:
    """Everybody else waits for the one connection meanwhile."""
    executed: list[str] = []
    assert office.database._engine is not None
    event.listen(office.database._engine.sync_engine, "before_cursor_execute", lambda *it: executed.append(it[2]))
    for answer in ("Да.", "Нет."):
        text = "question,answer\n" + "".join(f"Вопрос {number},{answer}\n" for number in range(300))
        rows, refused = read_import_rows(text.encode(), "csv")
        report = await office.faq_importer.import_rows(rows, refused, "replace", dry_run=False, by="admin")
        assert report.created + report.updated == 300
    assert len(executed) < 60
