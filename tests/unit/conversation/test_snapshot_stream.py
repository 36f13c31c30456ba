"""Snapshots on their way to another process: whatever changes, both ends hold the same, and little travels."""

import asyncio
import pickle
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.contracts.settings import FaqEntry, Persona, Settings, Snapshot, SnapshotChange
from deployments.conversation.snapshot_stream import decode_snapshots, encode_snapshots

POOL = tuple(FaqEntry(id=n, question=f"Вопрос {n}", answer="Да. " * 50) for n in range(1, 9))
_books = st.lists(st.sampled_from(POOL), max_size=8).map(tuple)
_snapshots = st.builds(
    Snapshot,
    faq=_books,
    settings=st.builds(Settings, default_route=st.sampled_from(("local", "cloud:x"))),
    personas=st.sampled_from(((), (Persona(id="anna", name="Анна", prompts={}),))),
)


async def _streamed(*snapshots: Snapshot) -> AsyncGenerator[Snapshot]:
    for snapshot in snapshots:
        yield snapshot


async def _on_the_wire(*snapshots: Snapshot) -> list[bytes]:
    async with aclosing(encode_snapshots(_streamed(*snapshots))) as items:
        return [pickle.dumps(item) async for item in items]


async def _unpacked(*wire: bytes) -> list[Snapshot]:
    async def items() -> AsyncGenerator[Snapshot | SnapshotChange]:
        for item in wire:
            yield pickle.loads(item)

    async with aclosing(decode_snapshots(items())) as snapshots:
        return [snapshot async for snapshot in snapshots]


@settings(deadline=None)
@given(st.lists(_snapshots, max_size=6))
def test_what_arrives_is_what_was_sent(sent: list[Snapshot]) -> None:
    numbered = [each.model_copy(update={"revision": number}) for number, each in enumerate(sent, 7)]
    assert asyncio.run(_through(*numbered)) == numbered


async def _through(*snapshots: Snapshot) -> list[Snapshot]:
    return await _unpacked(*await _on_the_wire(*snapshots))


async def test_answers_that_stay_are_the_same_objects_there_as_well() -> None:
    new = FaqEntry(id=9, question="Новый", answer="Да")
    first, second = await _through(Snapshot(revision=1, faq=POOL), Snapshot(revision=2, faq=(new, *POOL[1:])))
    assert [*map(id, second.faq[1:])] == [*map(id, first.faq[1:])]
    assert second.faq[0] == new


async def test_one_new_answer_among_a_thousand_travels_alone() -> None:
    many = tuple(FaqEntry(id=n, question=f"Вопрос {n}", answer=f"{n}. Да, конечно.") for n in range(10, 1_010))
    first, second = await _on_the_wire(Snapshot(revision=1, faq=many), Snapshot(revision=2, faq=(*many, POOL[0])))
    assert len(second) < len(first) / 20


async def test_every_stream_begins_whole() -> None:
    for revision in (1, 2):
        (first,) = await _on_the_wire(Snapshot(revision=revision, faq=POOL))
        assert (await _unpacked(first))[0].faq == POOL


async def test_a_change_of_a_snapshot_that_is_not_there_is_refused() -> None:
    first, _, third = await _on_the_wire(*(Snapshot(revision=number, faq=POOL) for number in (1, 2, 3)))
    for wire in ((third,), (first, third)):
        with pytest.raises(ValueError, match="does not fit"):
            await _unpacked(*wire)


async def test_whoever_stops_reading_closes_the_office_end() -> None:
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
