"""Which engine hears a request, and why."""

import pytest

from deployments.contracts.errors import InvalidRequest, LanguageNotSupported, NotFound, SecretaryError, Unavailable
from deployments.contracts.recognition_choice import Need, choose_recognizer
from deployments.contracts.speech import EngineStatus

WHISPER = EngineStatus("recognition/faster_whisper", "recognition", "faster_whisper", True, languages=("en", "ru"))
VOSK = EngineStatus("recognition/vosk", "recognition", "vosk", True, languages=("ru",), live=True)
LOADING = EngineStatus("recognition/vosk", "recognition", "vosk", False, error="loading", loading=True)


@pytest.mark.parametrize(
    ("engines", "need", "language", "engine", "chosen", "reason"),
    [
        ((WHISPER, VOSK), "live", None, "auto", "vosk", "gives words while somebody speaks"),
        ((VOSK, WHISPER), "file", "ru", "auto", "faster_whisper", "hears recordings best; hears ru"),
        ((VOSK, WHISPER), "live", "en", "auto", "faster_whisper", "vosk has no model for en"),
        ((LOADING, WHISPER), "live", None, "auto", "faster_whisper", "vosk is loading"),
        ((VOSK,), "file", None, "auto", "vosk", "hears recordings too"),
        ((WHISPER,), "live", "ru", "auto", "faster_whisper", "hears each utterance when it has ended; hears ru"),
        ((WHISPER, VOSK), "live", None, "whisper", "faster_whisper", "asked for"),
    ],
)
def test_auto_chooses_by_need_language_and_state(
    engines: tuple[EngineStatus, ...], need: Need, language: str | None, engine: str, chosen: str, reason: str
) -> None:
    choice = choose_recognizer(engines, need, language, engine)
    assert engines[choice.index].engine == chosen
    assert reason in choice.reason


def test_engine_that_is_not_ready_is_chosen_when_none_is() -> None:
    choice = choose_recognizer((LOADING,), "live", "ru", grammar=True)
    assert (choice.index, choice.ready, choice.reason) == (0, False, "no recognition engine is ready (vosk: loading)")


@pytest.mark.parametrize(
    ("engines", "arguments", "error"),
    [
        ((WHISPER,), {"engine": "vosk"}, NotFound),
        ((WHISPER, VOSK), {"language": "de"}, LanguageNotSupported),
        ((VOSK, WHISPER), {"language": "en", "engine": "vosk"}, LanguageNotSupported),
        ((), {}, Unavailable),
        ((WHISPER,), {"grammar": True}, InvalidRequest),
    ],
)
def test_choice_without_an_engine_raises(
    engines: tuple[EngineStatus, ...], arguments: dict[str, str], error: type[SecretaryError]
) -> None:
    with pytest.raises(error):
        choose_recognizer(engines, "live", **arguments)
