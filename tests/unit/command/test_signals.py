import os
import signal

import pytest

from deployments.command.signals import StopSignals, handle_stop_signals


class SignalClock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_echo_of_the_first_signal_is_not_a_second_one() -> None:
    asked: list[bool] = []
    clock = SignalClock()
    requests = StopSignals(lambda: asked.append(True), clock)
    requests.handle(signal.SIGTERM, None)
    clock.now += 0.5
    requests.handle(signal.SIGTERM, None)
    assert asked == [True]
    clock.now += 2
    with pytest.raises(KeyboardInterrupt):
        requests.handle(signal.SIGINT, None)


def test_signals_are_given_back_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    asked: list[bool] = []
    with handle_stop_signals(lambda: asked.append(True)) as take:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        take()
        os.kill(os.getpid(), signal.SIGTERM)
    assert asked == [True]
    assert signal.getsignal(signal.SIGTERM) is before
