"""Routes of FAQ entries: full entries, the map of questions to answers of older clients, and match tests."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, status
from starlette.responses import Response

from deployments.administration.faq.service import FaqAdministration
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.api.admin.etags import IfMatch, given_version, required_version, set_etag
from deployments.api.admin.faq.schemas import (
    AnswerChangeBody,
    EntryBody,
    EntryCountReply,
    EntryDeletedReply,
    EntryPage,
    EntrySelectionBody,
    EntrySelectionReply,
    EntryWrittenReply,
    FaqMap,
    FaqMatcher,
    FaqStatisticsReply,
    MatchCandidateReply,
    MatchTestBody,
    MatchTestReply,
    StageCandidateReply,
    StageReply,
)
from deployments.api.admin.paging import Limit, Offset
from deployments.api.admin.request_bodies import RowId
from deployments.api.admin.request_identity import Caller
from deployments.contracts.errors import InvalidRequest, NotFound
from deployments.contracts.events import AnswerMatch
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.match_report import MatchReport, StageReport

LanguageQuery = Annotated[str | None, Query(pattern=r"^[a-z]{2,3}$")]


def faq_router(faq: FaqAdministration, publisher: SnapshotPublisher, matcher: FaqMatcher) -> APIRouter:
    """Must be included after every other router of ``/faq``: its last route matches every path."""
    router = APIRouter(prefix="/faq", tags=["faq"])
    _add_entries(router, faq)
    _add_match_test(router, faq, publisher, matcher)
    _add_map(router, faq, publisher)
    return router


def _add_entries(router: APIRouter, faq: FaqAdministration) -> None:
    @router.get("/entries")
    async def entries(
        search: Annotated[str, Query(max_length=500)] = "",
        language: LanguageQuery = None,
        enabled: bool | None = None,
        used: Annotated[bool | None, Query(description="Entries that have answered, or never have")] = None,
        order: Literal["changed", "hits"] = "changed",
        limit: Limit = 50,
        offset: Offset = 0,
    ) -> EntryPage:
        """One page of the entries that contain every word of ``search``, the most recently changed first, or the most
        used first."""
        page = await faq.list(search, language, limit, offset, enabled, used, order)
        return EntryPage(entries=list(page.entries), total=page.total, limit=limit, offset=offset)

    @router.get("/entries/{entry_id}")
    async def entry(entry_id: RowId, response: Response) -> FaqEntry:
        found = await faq.get(entry_id)
        set_etag(response, found.version)
        return found

    @router.post("/entries/selection")
    async def change_selection(body: EntrySelectionBody, caller: Caller) -> EntrySelectionReply:
        """Switches several entries on or off, or deletes them. Unknown ids are ignored."""
        if body.action == "delete":
            return EntrySelectionReply(changed=await faq.delete_many(body.ids, caller.username))
        enabled = body.action == "enable"
        return EntrySelectionReply(changed=await faq.set_enabled(body.ids, enabled, caller.username))

    @router.get("/entries/{entry_id}/siblings")
    async def siblings(entry_id: RowId) -> list[FaqEntry]:
        """The same answer in other languages: the other entries of the topic."""
        return list(await faq.siblings(entry_id))

    @router.put("/entries/{entry_id}")
    async def replace(
        entry_id: RowId, body: EntryBody, caller: Caller, response: Response, version: IfMatch
    ) -> FaqEntry:
        """Replaces the entry; its id and its hits stay."""
        stored = await faq.update(entry_id, body.draft(), required_version(version, body.version), caller.username)
        set_etag(response, stored.version)
        return stored

    @router.delete("/entries/{entry_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def remove(entry_id: RowId, caller: Caller, version: IfMatch) -> None:
        await faq.delete(entry_id, caller.username, version)

    @router.get("/stats")
    async def statistics() -> FaqStatisticsReply:
        """Counts over all entries, and the ten most used ones."""
        found = await faq.statistics()
        return FaqStatisticsReply(
            total=found.total,
            enabled=found.enabled,
            hits=found.hits,
            never=found.never_asked,
            languages=found.languages,
            top=list(found.top),
        )


def _add_match_test(
    router: APIRouter, faq: FaqAdministration, publisher: SnapshotPublisher, matcher: FaqMatcher
) -> None:
    @router.post("/reload")
    async def reload() -> EntryCountReply:
        """Returns how many entries are in use. Changes take effect without a reload."""
        return EntryCountReply(count=len(publisher.current.faq))

    @router.post("/save")
    async def save() -> EntryCountReply:
        """Returns how many entries are in use. Changes are stored when they are made."""
        return EntryCountReply(count=len(publisher.current.faq))

    @router.post("/test")
    async def test(body: MatchTestBody) -> MatchTestReply:
        """The entry that answers ``text``, and what each stage of the search considered."""
        report = await matcher(body.text, body.language)
        match = report.match
        return MatchTestReply(
            match=match.trigger if match else None,
            response=match.text if match else None,
            rule=match.rule if match else None,
            score=match.score if match else None,
            entry=await _entry_of(match, faq),
            candidates=_nearest(report),
            stages=[_stage(each) for each in report.stages],
        )


def _add_map(router: APIRouter, faq: FaqAdministration, publisher: SnapshotPublisher) -> None:
    @router.get("")
    async def questions() -> FaqMap:
        """Maps question to answer for every enabled entry. The default language wins when two have one question."""
        snapshot = publisher.current
        preferred = snapshot.settings.default_language
        ordered = sorted(snapshot.faq, key=lambda each: (each.language == preferred, -each.id))
        return FaqMap(faq={each.question: each.answer for each in ordered})

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def create(body: EntryBody, caller: Caller, response: Response) -> EntryWrittenReply:
        """Creates an entry; ``trigger`` and ``response`` are required."""
        stored = await faq.create(body.draft(), caller.username)
        set_etag(response, stored.version)
        return EntryWrittenReply(trigger=stored.question, entry=stored)

    @router.put("/{trigger:path}")
    async def answer(
        trigger: str, body: AnswerChangeBody, caller: Caller, response: Response, version: IfMatch
    ) -> EntryWrittenReply:
        """Changes the answer to a question, or the question. Everything else of the entry stays. The version is
        optional, for older clients."""
        given = {"question": body.trigger, "answer": body.response}
        changes = {name: text for name, text in given.items() if text is not None}
        if not changes:
            raise InvalidRequest("Give a new trigger, a new response, or both.", param="response")
        stored = await faq.update_by_question(trigger, changes, caller.username, given_version(version, body.version))
        set_etag(response, stored.version)
        return EntryWrittenReply(trigger=stored.question, entry=stored)

    @router.delete("/{trigger:path}")
    async def forget(trigger: str, caller: Caller, version: IfMatch) -> EntryDeletedReply:
        deleted = await faq.delete_by_question(trigger, caller.username, version)
        return EntryDeletedReply(deleted=deleted.question)


async def _entry_of(match: AnswerMatch | None, faq: FaqAdministration) -> FaqEntry | None:
    if match is None:
        return None
    try:
        return await faq.get(match.entry_id)
    except NotFound:
        return None


def _nearest(report: MatchReport) -> list[MatchCandidateReply]:
    found = [each.match for stage in report.stages if stage.stage != "exact" for each in stage.candidates]
    return [MatchCandidateReply(**_fields(match)) for match in sorted(found, key=lambda match: -match.score)]


def _stage(report: StageReport) -> StageReply:
    return StageReply(
        stage=report.stage,
        threshold=report.threshold,
        margin=report.margin,
        state=report.state,
        candidates=[
            StageCandidateReply(**_fields(each.match), refused=list(each.refusals)) for each in report.candidates
        ],
    )


def _fields(match: AnswerMatch) -> dict[str, Any]:
    return {
        "entry_id": match.entry_id,
        "trigger": match.trigger,
        "response": match.text,
        "language": match.language,
        "rule": match.rule,
        "score": match.score,
    }
