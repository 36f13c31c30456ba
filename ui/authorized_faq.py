"""Prepared answers in the name of the person who looks at the panel: what the role does not allow is refused here."""

from dataclasses import dataclass

from deployments.administration.auth.permissions import AdminResource, require_role, required_roles
from deployments.administration.faq.service import FaqAdministration, FaqDraft, FaqPage
from deployments.contracts.settings import FaqEntry
from ui.auth.panel_sessions import PanelSession
from ui.panel_services import PhraseMatcher, PhraseMatchReport

_RIGHTS = required_roles(AdminResource.FAQ)


@dataclass(frozen=True, slots=True)
class AuthorizedFaq:
    """The panel's only way to prepared answers. Everything raises Forbidden where the role of ``session`` is too low
    at that moment, and what ``FaqAdministration`` raises."""

    faq: FaqAdministration
    matcher: PhraseMatcher
    session: PanelSession

    @property
    def can_change(self) -> bool:
        return self.session.role.covers(_RIGHTS.change)

    async def list(self, query: str, language: str | None, limit: int, offset: int) -> FaqPage:
        require_role(self.session.role, _RIGHTS.read)
        return await self.faq.list(query, language, limit, offset)

    async def get(self, entry_id: int) -> FaqEntry:
        require_role(self.session.role, _RIGHTS.read)
        return await self.faq.get(entry_id)

    async def create(self, draft: FaqDraft) -> FaqEntry:
        return await self.faq.create(draft, self._changer())

    async def update(self, entry_id: int, draft: FaqDraft, expected_version: int) -> FaqEntry:
        return await self.faq.update(entry_id, draft, expected_version, self._changer())

    async def delete(self, entry_id: int) -> None:
        await self.faq.delete(entry_id, self._changer())

    async def try_phrase(self, phrase: str) -> PhraseMatchReport:
        """What the entries make of ``phrase``. Trying is for those who write answers."""
        self._changer()
        return await self.matcher(phrase, None)

    def _changer(self) -> str:
        require_role(self.session.role, _RIGHTS.change)
        return self.session.username
