"""Routes of ``/privacy``: export, erasure and consents of one person."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from deployments.administration.privacy.service import Privacy, StoredAmounts
from deployments.api.admin.paging import Limit, Offset
from deployments.api.admin.privacy.schemas import (
    ConsentList,
    ConsentReply,
    DataSubjectQuery,
    ErasureReply,
    FoundPersonReply,
    NewConsent,
    PeopleReply,
    PersonalDataExport,
)
from deployments.api.admin.request_bodies import RowId
from deployments.api.admin.request_identity import Caller


def privacy_router(privacy: Privacy) -> APIRouter:
    router = APIRouter(prefix="/privacy", tags=["privacy"])

    @router.get("/people")
    async def people(search: Annotated[str, Query(max_length=200)], limit: Limit = 50) -> PeopleReply:
        """Finds people by a part of their id, name, phone or Telegram account."""
        return PeopleReply(people=[FoundPersonReply(**asdict(each)) for each in await privacy.find(search, limit)])

    @router.post("/summary")
    async def summary(body: DataSubjectQuery, caller: Caller) -> StoredAmounts:
        """Counts what is stored of one person."""
        return await privacy.summary(body.to_data_subject(), caller)

    @router.post("/export")
    async def export(body: DataSubjectQuery, caller: Caller) -> PersonalDataExport:
        """Returns all stored data of one person."""
        return PersonalDataExport.of(body.person, await privacy.export(body.to_data_subject(), caller))

    @router.post("/erase")
    async def erase(body: DataSubjectQuery, caller: Caller) -> ErasureReply:
        """Deletes conversations, texts of exchanges, recordings with their files, and consents of one person. Without
        ``source`` also the consents to cloned voices that the person gave, with the voices."""
        return ErasureReply(**asdict(await privacy.erase(body.to_data_subject(), caller)))

    @router.get("/consents")
    async def consents(
        person: Annotated[str | None, Query(max_length=200)] = None, limit: Limit = 100, offset: Offset = 0
    ) -> ConsentList:
        """Lists consents, newest first."""
        found = await privacy.consents(person, limit, offset)
        return ConsentList(consents=[ConsentReply.of(consent) for consent in found], limit=limit, offset=offset)

    @router.post("/consents", status_code=201)
    async def give(body: NewConsent, caller: Caller) -> ConsentReply:
        """Records a consent."""
        return ConsentReply.of(await privacy.give_consent(body.to_consent(), caller))

    @router.delete("/consents/{consent_id}")
    async def withdraw(consent_id: RowId, caller: Caller) -> ConsentReply:
        """Records the withdrawal of a consent. The row stays as evidence of both."""
        return ConsentReply.of(await privacy.withdraw_consent(consent_id, caller))

    return router
