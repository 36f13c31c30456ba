"""Concurrent database sessions, without the single connection of ``Database``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from storage.database_url import normalize_database_url


@asynccontextmanager
async def sessions_of(url: str) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """A factory of sessions with up to ten connections."""
    engine = create_async_engine(normalize_database_url(url), pool_size=10)
    try:
        yield async_sessionmaker(engine, expire_on_commit=False)
    finally:
        await engine.dispose()
