"""espeak-ng in a worker process: synthesis, and the phonemes that Piper's voices are trained on.

The two engines use different builds of espeak-ng, with different data. Each target loads one of them. A text that
crashes the library ends the worker and nothing else.
"""

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from deployments.contracts.errors import EngineFailed
from deployments.engines.speech.espeak_library import EspeakVoice, open_library
from deployments.isolation.frames import Header
from deployments.isolation.handler import CallError, Handler, ItemSender

SYNTHESIS = f"{__name__}:open_synthesis"
PHONEMES = f"{__name__}:open_phonemizer"


def open_synthesis(options: Header) -> Handler:
    """Calls: ``{"do": "voices"}`` sends the voices and the rate; ``{"do": "speak"}`` sends PCM16 and the
    share of the text that is spoken at its end."""
    library = _refusing(open_library)

    def handle(header: Header, body: bytes, sender: ItemSender) -> None:
        if header["do"] == "voices":
            for voice in library.voices():
                sender.put({"tag": voice.tag, "name": voice.name, "identifier": voice.identifier, "rate": library.rate})
            return
        voice = EspeakVoice(str(header["tag"]), "", str(header["identifier"]))
        text = body.decode()
        words_per_minute, volume = int(str(header["words_per_minute"])), int(str(header["volume"]))

        def send(pcm: bytes, position: int) -> bool:
            return sender.put({"spoken": position / max(1, len(text))}, pcm)

        def speak() -> None:
            library.speak(text, voice, words_per_minute, volume, send)

        _refusing(speak)

    return handle


def open_phonemizer(options: Header) -> Handler:
    """A call sends one item for each sentence of its body: a list of phonemes."""
    phonemizer = _refusing(_piper_phonemizer)

    def handle(header: Header, body: bytes, sender: ItemSender) -> None:
        clusters = header.get("vowel_clusters")
        merged = {tuple(cluster) for cluster in clusters} if isinstance(clusters, list) else None
        for sentence in phonemizer.phonemize(str(header["voice"]), body.decode(), vowel_clusters=merged):
            if not sender.put({"phonemes": sentence}):
                return

    return handle


def _piper_phonemizer() -> Any:
    """Piper's phonemizer, imported without the package's ``__init__``, which loads NumPy and ONNX Runtime."""
    spec = find_spec("piper")
    if spec is None or spec.submodule_search_locations is None:
        raise EngineFailed("the package piper-tts is not installed")
    package = ModuleType("piper")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["piper"] = package
    from piper.phonemize_espeak import EspeakPhonemizer

    return EspeakPhonemizer()


def _refusing(work: Any) -> Any:
    try:
        return work()
    except EngineFailed as error:
        raise CallError(error.code, error.message) from error
