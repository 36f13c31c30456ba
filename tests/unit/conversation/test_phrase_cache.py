"""The in-memory phrase cache."""

from hypothesis import given
from hypothesis import strategies as st

from deployments.contracts.audio import PCM16_8K, SpeechChunk
from deployments.conversation.phrase_cache import PhraseCache, PhraseKey


def chunk(size: int) -> SpeechChunk:
    return SpeechChunk(bytes(size), PCM16_8K)


def key(text: str) -> PhraseKey:
    return PhraseKey("v", "m", "en", 1.0, text)


@given(st.lists(st.tuples(st.text(max_size=2), st.integers(0, 40)), max_size=40), st.integers(0, 100))
def test_cache_size_stays_within_max_bytes(puts: list[tuple[str, int]], bound: int) -> None:
    cache = PhraseCache(bound)
    for text, size in puts:
        cache.put(key(text), (chunk(size),))
        assert cache.size <= bound
    held = [cache.get(key(text)) for text in {text for text, _ in puts}]
    assert cache.size == sum(len(c.audio) for chunks in held if chunks for c in chunks)


def test_phrase_of_former_epoch_is_not_stored() -> None:
    cache, key = PhraseCache(1_000), PhraseKey("v", "m", "ru", 1.0, "a")
    chunks = (SpeechChunk(b"ab", PCM16_8K),)
    cache.put(key, chunks)
    before = cache.epoch
    cache.set_epoch(before)
    assert cache.get(key) == chunks
    cache.set_epoch(7)
    assert (cache.get(key), cache.size) == (None, 0)
    cache.put(key, chunks, before)
    assert cache.get(key) is None
    cache.put(key, chunks, cache.epoch)
    assert cache.get(key) == chunks


def test_least_recently_used_phrase_is_evicted() -> None:
    cache = PhraseCache(20)
    cache.put(key("a"), (chunk(10),))
    cache.put(key("b"), (chunk(10),))
    cache.get(key("a"))
    cache.put(key("c"), (chunk(10),))
    assert cache.get(key("b")) is None
    assert cache.get(key("a")) is not None
