"""Which recognition engine hears a recording or a live session, and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from deployments.contracts.errors import InvalidRequest, LanguageNotSupported, NotFound, Unavailable
from deployments.contracts.speech import AUTO, EngineStatus

Need = Literal["live", "file"]
_ALIASES = {"whisper": "faster_whisper"}

_SUITS: dict[tuple[Need, bool], str] = {
    ("live", True): "gives words while somebody speaks",
    ("live", False): "hears each utterance when it has ended",
    ("file", False): "hears recordings best",
    ("file", True): "hears recordings too",
}


@dataclass(frozen=True, slots=True)
class RecognitionChoice:
    """``index`` of the chosen engine among those that were offered, and the reason. Not ``ready``: no engine is, and
    the chosen one tells why when it is used."""

    index: int
    reason: str
    ready: bool = True


def choose_recognizer(
    engines: Sequence[EngineStatus],
    need: Need,
    language: str | None = None,
    engine: str = AUTO,
    *,
    grammar: bool = False,
) -> RecognitionChoice:
    """The engine for ``need``. With ``auto`` it is the first ready one that suits best: live words for a live session,
    the other engines for a recording; one that hears ``language`` in any case.

    Raises NotFound for an engine that the graph does not have, LanguageNotSupported when no engine hears ``language``,
    InvalidRequest when none has grammars, Unavailable when there is no engine.
    """
    candidates = list(range(len(engines)))
    if engine != AUTO:
        candidates = _named(engines, engine)
    if grammar and not (candidates := [i for i in candidates if engines[i].live or not engines[i].ready]):
        raise InvalidRequest("grammar: only engines with live words (vosk) have grammars", param="grammar")
    able = [i for i in candidates if _hears(engines[i], language)]
    if not able and any(engines[i].ready for i in candidates):
        known = "; ".join(f"{engines[i].engine}: {', '.join(engines[i].languages)}" for i in candidates)
        raise LanguageNotSupported(f"no recognition engine hears {language!r}; {known}", param="language")
    if not able:
        raise Unavailable("this graph has no recognition engine")
    ready = [i for i in able if engines[i].ready]
    if not ready:
        return RecognitionChoice(able[0], _not_ready(engines[i] for i in able), ready=False)
    chosen = min(ready, key=lambda i: engines[i].live != (need == "live"))
    return RecognitionChoice(chosen, _reason(engines, chosen, need, language, engine))


def _named(engines: Sequence[EngineStatus], wanted: str) -> list[int]:
    name = _ALIASES.get(wanted, wanted)
    found = [i for i, each in enumerate(engines) if name in (each.engine, each.name, each.model)]
    if not found:
        known = ", ".join(dict.fromkeys(each.engine for each in engines)) or "none"
        raise NotFound(f"there is no recognition engine {wanted!r} in this graph; there is: {known}", param="engine")
    return found


def _hears(status: EngineStatus, language: str | None) -> bool:
    return not language or not status.languages or language in status.languages


def _reason(engines: Sequence[EngineStatus], chosen: int, need: Need, language: str | None, engine: str) -> str:
    if engine != AUTO:
        return "asked for"
    status = engines[chosen]
    parts = [_SUITS[need, status.live]]
    if language:
        parts.append(f"hears {language}" if status.languages else "hears any language")
    ideal = status.live == (need == "live")
    for index, other in enumerate(engines):
        if index != chosen and not ideal and (other.live == (need == "live") or not other.ready):
            parts.append(f"{other.engine} {_why_not(other, language)}")
    return "; ".join(parts)


def _why_not(status: EngineStatus, language: str | None) -> str:
    if not _hears(status, language):
        return f"has no model for {language}"
    return "is loading" if status.loading else f"is not ready: {status.error}"


def _not_ready(engines: Iterable[EngineStatus]) -> str:
    states = "; ".join(f"{each.engine}: {each.error or 'loading'}" for each in engines)
    return f"no recognition engine is ready ({states})"
