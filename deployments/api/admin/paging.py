"""Query parameters and reply of paged lists."""

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

ItemT = TypeVar("ItemT")

Limit = Annotated[int, Query(ge=1, le=500, description="Most items on the page")]
Offset = Annotated[int, Query(ge=0, le=10_000_000, description="Items to skip")]


class Page(BaseModel, Generic[ItemT]):
    """One page of a list. ``total`` counts all items."""

    items: list[ItemT]
    total: int
    limit: int
    offset: int
