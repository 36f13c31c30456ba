"""Encoding snapshots as changes, and decoding them."""

import asyncio
import pickle
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.persona import Persona
from deployments.contracts.settings import Settings
from deployments.contracts.snapshot import Snapshot, SnapshotChange
from deployments.conversation.snapshot_stream import decode_snapshots, encode_snapshots

ENTRIES = tuple(FaqEntry(id=n, question=f"Вопрос {n}", answer="Да. " * 50) for n in range(1, 9))
_books = st.lists(st.sampled_from(ENTRIES), max_size=8).map(tuple)
_snapshots = st.builds(
    Snapshot,
    faq=_books,
    settings=st.builds(Settings, default_route=st.sampled_from(("local", "cloud:x"))),
    personas=st.sampled_from(((), (Persona(id="anna", name="Анна", prompts={}),))),
)


async def _streamed(*snapshots: Snapshot) -> AsyncGenerator[Snapshot]:
    for snapshot in snapshots:
        yield snapshot


async def _encode(*snapshots: Snapshot) -> list[bytes]:
    async with aclosing(encode_snapshots(_streamed(*snapshots))) as items:
        return [pickle.dumps(item) async for item in items]


async def _decode(*wire: bytes) -> list[Snapshot]:
    async def items() -> AsyncGenerator[Snapshot | SnapshotChange]:
        for item in wire:
            yield pickle.loads(item)

    async with aclosing(decode_snapshots(items())) as snapshots:
        return [snapshot async for snapshot in snapshots]


@settings(deadline=None, max_examples=50)
@given(st.lists(_snapshots, max_size=6))
def test_decoded_snapshots_equal_encoded_ones(sent: list[Snapshot]) -> None:
    numbered = [each.model_copy(update={"revision": number}) for number, each in enumerate(sent, 7)]
    assert asyncio.run(_encode_and_decode(*numbered)) == numbered


async def _encode_and_decode(*snapshots: Snapshot) -> list[Snapshot]:
    return await _decode(*await _encode(*snapshots))


async def test_decoded_snapshot_reuses_unchanged_entries() -> None:
    new = FaqEntry(id=9, question="Новый", answer="Да")
    first, second = await _encode_and_decode(
        Snapshot(revision=1, faq=ENTRIES), Snapshot(revision=2, faq=(new, *ENTRIES[1:]))
    )
    assert [*map(id, second.faq[1:])] == [*map(id, first.faq[1:])]
    assert second.faq[0] == new


async def test_encoded_change_contains_only_new_entry() -> None:
    many = tuple(FaqEntry(id=n, question=f"Вопрос {n}", answer=f"{n}. Да, конечно.") for n in range(10, 1_010))
    first, second = await _encode(Snapshot(revision=1, faq=many), Snapshot(revision=2, faq=(*many, ENTRIES[0])))
    assert len(second) < len(first) / 20


async def test_stream_starts_with_whole_snapshot() -> None:
    for revision in (1, 2):
        (first,) = await _encode(Snapshot(revision=revision, faq=ENTRIES))
        assert (await _decode(first))[0].faq == ENTRIES


async def test_change_against_other_revision_is_rejected() -> None:
    first, _, third = await _encode(*(Snapshot(revision=number, faq=ENTRIES) for number in (1, 2, 3)))
    for wire in ((third,), (first, third)):
        with pytest.raises(ValueError, match="does not fit"):
            await _decode(*wire)


async def test_closing_decoder_closes_source() -> None:
    closed = []

    async def endless() -> AsyncGenerator[Snapshot]:
        try:
            for number in range(1, 10):
                yield Snapshot(revision=number)
        finally:
            closed.append(True)

    async with aclosing(decode_snapshots(encode_snapshots(endless()))) as snapshots:
        await anext(snapshots)
        await anext(snapshots)
    assert closed == [True]
