import os
import signal

import pytest

from deployments.command.signals import StopSignals, handle_stop_signals


def test_stop_signals_second_one_interrupts_unless_repeated() -> None:
    calls: list[bool] = []
    now = [100.0]
    signals = StopSignals(lambda: calls.append(True), lambda: now[0])
    signals.handle(signal.SIGTERM, None)
    now[0] += 0.5
    signals.handle(signal.SIGTERM, None)
    assert calls == [True]
    now[0] += 2
    with pytest.raises(KeyboardInterrupt):
        signals.handle(signal.SIGINT, None)


def test_handle_stop_signals_restores_earlier_handlers() -> None:
    before = signal.getsignal(signal.SIGTERM)
    calls: list[bool] = []
    with handle_stop_signals(lambda: calls.append(True)) as install:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        install()
        os.kill(os.getpid(), signal.SIGTERM)
    assert calls == [True]
    assert signal.getsignal(signal.SIGTERM) is before
