"""``python -m tests.hostile.fuzz_target text -max_total_time=60``: coverage-guided fuzzing of one function.

libFuzzer's ``Fuzz`` ends the process, so every target runs in a process of its own.
"""

import contextlib
import sys
from collections.abc import Callable

import atheris
import orjson

with atheris.instrument_imports(include=["deployments.text", "deployments.audio", "deployments.engines.chat"]):
    from deployments.audio.declared_sizes import require_honest_sizes
    from deployments.engines.chat.schema_limits import check_schema, check_schema_size
    from deployments.text.phonemizable import phonemizable
    from deployments.text.sentences import split_sentences
    from deployments.text.speakable import to_speakable_text
from deployments.contracts.errors import SecretaryError
from deployments.text.normalizer import load_normalizers


def _text(data: bytes) -> None:
    text = data.decode("utf-8", "ignore")
    for piece in split_sentences(text, first_clause=True):
        phonemizable(to_speakable_text(piece, "ru" if len(text) % 2 else "en"))


def _sound(data: bytes) -> None:
    with contextlib.suppress(SecretaryError):
        require_honest_sizes(data)


def _schema(data: bytes) -> None:
    with contextlib.suppress(SecretaryError, orjson.JSONDecodeError):
        check_schema_size(data.decode("utf-8", "ignore"))
        schema = orjson.loads(data)
        if isinstance(schema, dict):
            check_schema(schema)


TARGETS: dict[str, Callable[[bytes], None]] = {"text": _text, "sound": _sound, "schema": _schema}


def main() -> None:
    target = TARGETS[sys.argv[1]]
    load_normalizers()
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
