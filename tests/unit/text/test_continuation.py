from hypothesis import given
from hypothesis import strategies as st

from deployments.text.continuation import ContinuationFilter

_WORDS = [f"{word}{number:02}" for number in range(40) for word in ("слово", "word")]
_ANSWERS = st.lists(st.sampled_from(_WORDS), min_size=2, max_size=25, unique=True)


def _join(prefix: str, pieces: list[str]) -> str:
    joint = ContinuationFilter(prefix)
    return prefix + "".join(joint.feed(piece) for piece in pieces) + joint.finish()


def _pieces(text: str, sizes: list[int]) -> list[str]:
    pieces, start = [], 0
    for size in sizes:
        pieces.append(text[start : start + size])
        start += size
    return [*pieces, text[start:]]


@given(_ANSWERS, st.data())
def test_repeated_words_are_cut_and_none_is_lost(words: list[str], data: st.DataObject) -> None:
    answer = " ".join(words)
    cut = data.draw(st.integers(1, len(answer)))
    prefix = answer[:cut]
    starts = [n for n in range(len(prefix)) if n == 0 or (prefix[n - 1] == " " and prefix[n] != " ")]
    start = data.draw(st.sampled_from(starts))
    continuation = answer[start:]
    if data.draw(st.booleans()):
        continuation = data.draw(st.sampled_from(["…", "«", "\n"])) + continuation.capitalize()
        assert _join(prefix, _pieces(continuation, data.draw(st.lists(st.integers(1, 9))))).lower() == answer.lower()
    else:
        assert _join(prefix, _pieces(continuation, data.draw(st.lists(st.integers(1, 9))))) == answer


@given(_ANSWERS, st.integers(1, 24), st.lists(st.integers(1, 9)))
def test_exact_continuation_is_kept(words: list[str], count: int, sizes: list[int]) -> None:
    count = min(count, len(words) - 1)
    prefix, rest = " ".join(words[:count]), " ".join(words[count:])
    assert _join(prefix, _pieces(rest, sizes)) == f"{prefix} {rest}"
    assert _join(f"{prefix} ", _pieces(rest, sizes)) == f"{prefix} {rest}"
    assert _join(prefix, _pieces(f" {rest}", sizes)) == f"{prefix} {rest}"


@given(st.text(max_size=80), st.lists(st.text(max_size=20), max_size=6))
def test_any_text_passes(prefix: str, pieces: list[str]) -> None:
    joined = _join(prefix, pieces)
    assert joined.startswith(prefix)
    assert len(joined) <= len(prefix) + 1 + sum(map(len, pieces))


def test_text_is_not_held_back_longer_than_an_overlap_is_possible() -> None:
    joint = ContinuationFilter("It was very")
    assert joint.feed("good") == " good"
    assert joint.feed(" indeed") == " indeed"
