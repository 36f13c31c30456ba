"""Replies of ``/configuration``."""

from pydantic import BaseModel

from deployments.administration.transfer.document import SectionReport


class ImportReply(BaseModel):
    """``applied`` is false for a dry run."""

    applied: bool
    sections: list[SectionReport]
