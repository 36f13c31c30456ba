"""The FAQ on behalf of the user of a panel session, with the permissions of the user's role."""

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.administration.auth.permissions import AdminResource, require_role, required_roles
from deployments.administration.faq.service import FaqAdministration, FaqDraft, FaqOrder, FaqPage
from deployments.administration.office.text_bounds import require_text
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.match_report import MatchReport
from ui.auth.panel_sessions import PanelSession
from ui.panel_services import PhraseMatcher

_MAX_PHRASE_LENGTH = 4_000
_RIGHTS = required_roles(AdminResource.FAQ)


@dataclass(frozen=True, slots=True)
class AuthorizedFaq:
    """Checks the current role of ``session`` before each call. All methods raise Forbidden when the role is too low.
    They also raise the errors of ``FaqAdministration``."""

    faq: FaqAdministration
    matcher: PhraseMatcher
    session: PanelSession

    @property
    def can_change(self) -> bool:
        return self.session.role.covers(_RIGHTS.change)

    async def list(
        self,
        query: str,
        language: str | None,
        limit: int,
        offset: int,
        enabled: bool | None = None,
        used: bool | None = None,
        order: FaqOrder = "changed",
    ) -> FaqPage:
        require_role(self.session.role, _RIGHTS.read)
        return await self.faq.list(query, language, limit, offset, enabled, used, order)

    async def all(self) -> Sequence[FaqEntry]:
        require_role(self.session.role, _RIGHTS.read)
        return await self.faq.all()

    async def siblings(self, entry_id: int) -> Sequence[FaqEntry]:
        """The same answer in other languages."""
        require_role(self.session.role, _RIGHTS.read)
        return await self.faq.siblings(entry_id)

    async def get(self, entry_id: int) -> FaqEntry:
        require_role(self.session.role, _RIGHTS.read)
        return await self.faq.get(entry_id)

    async def with_wording(self, wording: str, language: str) -> FaqEntry | None:
        require_role(self.session.role, _RIGHTS.read)
        return await self.faq.with_wording(wording, language)

    async def add_alternative(self, entry_id: int, wording: str) -> FaqEntry:
        return await self.faq.add_alternative(entry_id, wording, self._require_change())

    async def create(self, draft: FaqDraft) -> FaqEntry:
        return await self.faq.create(draft, self._require_change())

    async def update(self, entry_id: int, draft: FaqDraft, expected_version: int) -> FaqEntry:
        return await self.faq.update(entry_id, draft, expected_version, self._require_change())

    async def delete(self, entry_id: int) -> None:
        await self.faq.delete(entry_id, self._require_change())

    async def set_enabled(self, entry_ids: Sequence[int], enabled: bool) -> int:
        return await self.faq.set_enabled(entry_ids, enabled, self._require_change())

    async def delete_many(self, entry_ids: Sequence[int]) -> int:
        return await self.faq.delete_many(entry_ids, self._require_change())

    async def try_phrase(self, phrase: str) -> MatchReport:
        """What each stage of the search finds for ``phrase``. Requires the permission to change the FAQ."""
        self._require_change()
        require_text(phrase, _MAX_PHRASE_LENGTH, "phrase")
        return await self.matcher(phrase, None)

    def _require_change(self) -> str:
        """The username, after a check that the user may change the FAQ."""
        require_role(self.session.role, _RIGHTS.change)
        return self.session.username
