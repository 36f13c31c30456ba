"""Contrast of two colours, and a colour that white letters can be read on (WCAG 2.2, 1.4.3)."""

READABLE = 4.5
WHITE = "#ffffff"


def contrast_ratio(first: str, second: str) -> float:
    """1 to 21, of colours written as ``#rrggbb``."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def darkened_until_readable(colour: str) -> str:
    """``colour``, darkened in steps until white letters on it are readable."""
    parts = _parts(colour)
    for step in range(101):
        candidate = "#" + "".join(f"{round(part * (100 - step) / 100):02x}" for part in parts)
        if contrast_ratio(candidate, WHITE) >= READABLE:
            return candidate
    return "#000000"


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    channels = [part / 255 for part in _parts(colour)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
