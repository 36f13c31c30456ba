"""Contrast of colours."""

import pytest

from ui.contrast import READABLE, WHITE, contrast_ratio, darkened_until_readable


def test_contrast_follows_wcag() -> None:
    assert contrast_ratio("#000000", WHITE) == pytest.approx(21)
    assert contrast_ratio("#777777", WHITE) == pytest.approx(4.48, abs=0.01)
    assert contrast_ratio(darkened_until_readable("#ffff00"), WHITE) >= READABLE
    assert darkened_until_readable("#0b7a72") == "#0b7a72"
