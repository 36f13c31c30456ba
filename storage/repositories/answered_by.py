"""What answered a question, as a condition of a query."""

from enum import StrEnum

from sqlalchemy import ColumnElement, or_

from deployments.contracts.events import FALLBACK_ROUTE
from storage.models import ExchangeRow


class AnsweredBy(StrEnum):
    """``NOBODY``: the fallback answer was given, or the answer failed."""

    FAQ = "faq"
    MODEL = "model"
    NOBODY = "nobody"


def answered_by_condition(kind: AnsweredBy) -> ColumnElement[bool]:
    """Selects exchanges that ``kind`` answered."""
    if kind is AnsweredBy.NOBODY:
        return or_(ExchangeRow.route == FALLBACK_ROUTE, ExchangeRow.error != "")
    from_faq = ExchangeRow.route.startswith("faq:")
    failed = answered_by_condition(AnsweredBy.NOBODY)
    return ~failed & (from_faq if kind is AnsweredBy.FAQ else ~from_faq)
