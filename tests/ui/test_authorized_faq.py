"""The FAQ of a panel session: each call checks the current role."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from deployments.administration.faq.service import FaqDraft
from deployments.contracts.errors import Forbidden
from deployments.contracts.identity import Role
from deployments.contracts.match_report import MatchReport
from ui.auth.panel_sessions import PanelSession
from ui.authorized_faq import AuthorizedFaq

DRAFT = FaqDraft(question="Есть ли у вас буфет?", answer="Да.")
CHANGES: list[Callable[[AuthorizedFaq], Awaitable[object]]] = [
    lambda faq: faq.create(DRAFT),
    lambda faq: faq.update(7, DRAFT, 1),
    lambda faq: faq.delete(7),
    lambda faq: faq.set_enabled((7,), False),
    lambda faq: faq.delete_many((7,)),
    lambda faq: faq.try_phrase("буфет"),
]


class RecordingFaq:
    """Stands for FaqAdministration and records its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, object]] = []

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def record(*arguments: object) -> None:
            self.calls.append((name, arguments[-1]))

        return record


def authorized_faq(role: Role) -> tuple[AuthorizedFaq, RecordingFaq]:
    async def match(phrase: str, language: str | None) -> MatchReport:
        return MatchReport()

    session = PanelSession("token", "olga", role, must_change_password=False, version=1, expires_at=0)
    faq: Any = RecordingFaq()
    return AuthorizedFaq(faq, match, session), faq


@pytest.mark.parametrize("change", CHANGES, ids=["create", "update", "delete", "switch", "delete many", "try phrase"])
async def test_faq_change_requires_operator(change: Callable[[AuthorizedFaq], Awaitable[object]]) -> None:
    faq, recording = authorized_faq(Role.OPERATOR)
    await change(faq)
    faq.session.role = Role.VIEWER
    before = len(recording.calls)
    with pytest.raises(Forbidden):
        await change(faq)
    assert len(recording.calls) == before


async def test_faq_change_is_made_in_the_name_of_the_user() -> None:
    faq, recording = authorized_faq(Role.OPERATOR)
    for change in CHANGES[:5]:
        await change(faq)
    names = ("create", "update", "delete", "set_enabled", "delete_many")
    assert recording.calls == [(name, "olga") for name in names]


async def test_viewer_reads_faq() -> None:
    faq, recording = authorized_faq(Role.VIEWER)
    await faq.list("", None, 20, 0)
    await faq.get(7)
    assert [name for name, _ in recording.calls] == ["list", "get"]
    assert not faq.can_change
