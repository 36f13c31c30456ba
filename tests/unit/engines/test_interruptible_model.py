"""Calls of CTranslate2's model by a worker process of Whisper."""

import pytest

from deployments.engines.recognition.whisper_worker import CallerLeft, InterruptibleModel


class SlowLibrary:
    """Each call of ``generate`` takes six seconds of ``now``."""

    def __init__(self) -> None:
        self.now, self.calls = 0.0, 0

    def clock(self) -> float:
        return self.now

    def generate(self, window: object, **options: object) -> int:
        self.now += 6
        self.calls += 1
        return self.calls

    def encode(self, features: object) -> object:
        return object()


def test_retries_of_a_window_have_ten_seconds() -> None:
    library = SlowLibrary()
    model = InterruptibleModel(library, 10, library.clock)
    first, second = model.encode(b""), model.encode(b"")
    assert [model.generate(first, sampling_temperature=step) for step in range(5)] == [1, 2, 2, 2, 2]
    assert [model.generate(second, sampling_temperature=0.7) for _ in range(3)] == [3, 4, 4]


def test_no_call_begins_after_the_caller_has_left() -> None:
    library = SlowLibrary()
    model = InterruptibleModel(library)
    model.caller_left = lambda: True
    for call in (model.encode, model.generate):
        with pytest.raises(CallerLeft):
            call(b"")
    assert not library.calls
