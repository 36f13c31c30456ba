"""Hit counts of FAQ entries, as a report of a door adds them."""

from collections.abc import Mapping

from deployments.administration.office.composition import OfficeServices


async def add_faq_hits(office: OfficeServices, hits: Mapping[int, int]) -> None:
    async with office.database.unit_of_work() as work:
        await work.faq.add_hits(hits)
