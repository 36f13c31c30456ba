"""The corpus: attacks by class. ``docs/security.md`` names the bound of each class."""

import json
from collections.abc import Callable

from tests.hostile.corpus.requests import Attack, accepted_recordings, chat, recording, request, speech
from tests.hostile.corpus.sockets import half_sent_bodies, speak, websocket
from tests.hostile.corpus.sounds import mixed_words, riff_with_huge_data, riff_with_huge_list, silent_flac, wide_wav
from tests.hostile.corpus.texts import repeated

_LONGEST = 3_980
_MEGABYTES = 900_000


def _speech() -> list[Attack]:
    return [
        speech("letters and dots", ".A" * 400),
        speech("Russian letters and dots", ".А" * 400),
        speech("asterisks", f"Hi. ```a```{'*' * 1_200}!"),
        speech("more asterisks", f"Hi. ```a```{repeated('*', _LONGEST)}!", times=4),
        speech("powers", repeated("1^", _LONGEST), times=4),
        speech("fractions", repeated("½", _LONGEST)),
        speech("a number", repeated("9", _LONGEST)),
        speech("a word", repeated("й", _LONGEST)),
    ]


def _chat() -> list[Attack]:
    return [
        chat("Arabic ligatures", "ﷺ" * (_MEGABYTES // 3)),
        chat("combining marks", "a" + "\u0301\u0316" * (_MEGABYTES // 4)),
        chat("one word", "a" * _MEGABYTES),
        chat("negations", "не " * (_MEGABYTES // 5)),
        request("spoken marks", "POST", "/v1/chat/completions", key=True, body=_spoken(f"{'**a *' * 700}")),
        request(
            "many messages",
            "POST",
            "/v1/chat/completions",
            key=True,
            body={"model": "local", "messages": [{"role": "user", "content": "a"}] * 20_000},
        ),
    ]


def _spoken(text: str) -> dict[str, object]:
    return {
        "model": "local",
        "stream": True,
        "max_tokens": 8,
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "pcm16"},
        "messages": [{"role": "user", "content": text}],
    }


def _questions() -> list[Attack]:
    return [
        chat("long words", " ".join(f"{'слово' * 30}{number}" for number in range(12))),
        chat("misspelt words", "дооставка " * 190),
        chat("ligatures", "ﷺ" * 1_990),
        chat("marks", "e\u0301\u0316" * 660),
    ]


def _query_strings() -> list[Attack]:
    login = "/admin/ui/login"
    return [
        request("path of letters", "GET", f"{login}?next=/{'a' * 40}!"),
        request("path of slashes", "GET", f"{login}?next={'/a' * 1_500}!", times=8),
        request("path of spaces", "GET", f"{login}?next=/{'%20' * 1_000}!", times=8),
        request("many fields", "GET", f"{login}?{'a=1&' * 1_800}"),
        request("Unicode", "GET", f"/v1/audio/voices?language={'%CC%81%CC%96' * 500}"),
    ]


def _headers() -> list[Attack]:
    return [
        request("a token", "GET", "/admin/settings", headers={"Authorization": f"Bearer {'a.' * 3_000}"}, times=8),
        request("a key", "GET", "/v1/models", headers={"Authorization": f"Bearer {'a' * 7_000}"}, times=8),
        request("cookies", "GET", "/admin/ui/login", headers={"Cookie": "a=1; " * 1_200}, times=8),
        request("addresses", "GET", "/admin/auth/status", headers={"X-Forwarded-For": "1.1.1.1, " * 700}, times=8),
        request("languages", "GET", "/admin/ui/login", headers={"Accept-Language": "a-b-c;q=0.1," * 500}, times=8),
        half_sent_bodies("half a sign-in", "/admin/auth/login", 520, 4_000),
        half_sent_bodies("half a form", "/admin/ui/login", 520, 100),
    ]


def _bodies() -> list[Attack]:
    completions = "/v1/chat/completions"
    wide = json.dumps({f"k{number}": number for number in range(60_000)})
    return [
        request("deep lists", "POST", completions, key=True, content="[" * _MEGABYTES),
        request("deep objects", "POST", completions, key=True, content='{"a":' * 150_000),
        request("many lists", "POST", completions, key=True, content=f"[{'[],' * 300_000}[]]"),
        request("many fields", "POST", completions, key=True, content=wide),
        request("many parts", "POST", completions, key=True, body=_parts(30_000)),
        request("a sign-in", "POST", "/admin/auth/login", body={"username": "a" * 3_000, "password": "b"}),
        request("a deep sign-in", "POST", "/admin/auth/login", content="[" * 4_000),
    ]


def _parts(count: int) -> dict[str, object]:
    return {"model": "local", "messages": [{"role": "user", "content": [{"type": "text", "text": ""}] * count}]}


def _recordings() -> list[Attack]:
    bomb = silent_flac(60)
    return [
        recording("a list chunk of 2 GB", riff_with_huge_list(), times=3),
        recording("data of 4 GB", riff_with_huge_data(), times=3),
        recording("an hour of silence", bomb, times=2),
        recording("a cut file", bomb[:200]),
        recording("zeros", b"\x00" * 1_000_000),
        recording("words without end", mixed_words(29), language="ru", prompt="да " * 200, temperature="0.2"),
    ]


def _schemas() -> list[Attack]:
    names = {f"field_{number}": {"type": "string"} for number in range(2_000)}
    nested: dict[str, object] = {"type": "string"}
    for _ in range(25):
        nested = {"type": "object", "properties": {"a": nested, "b": nested}}
        if len(str(nested)) > 100_000:
            break
    return [
        _schema("2,000 properties", {"type": "object", "properties": names, "required": list(names)}),
        _schema("nested properties", nested),
        _schema("a pattern", {"type": "string", "pattern": f"^{'(a|b)*' * 200}$"}),
        _schema("repetitions", {"type": "string", "pattern": "^((a{1,1000}){1,1000}){1,1000}$"}),
        _schema("a long enumeration", {"enum": [f"value {number}" for number in range(10_000)]}),
        _schema("many items", {"type": "array", "items": {"type": "string"}, "minItems": 100_000}),
    ]


def _schema(name: str, schema: dict[str, object]) -> Attack:
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    return chat(name, "hi", model="local", response_format=wanted)


def _embeddings() -> list[Attack]:
    return [
        request("a thousand texts", "POST", "/v1/embeddings", key=True, body=_inputs(["word " * 380] * 1_000)),
        request("one long text", "POST", "/v1/embeddings", key=True, body=_inputs(["a " * 300_000])),
        request("short texts", "POST", "/v1/embeddings", key=True, body=_inputs(["a"] * 2_000)),
    ]


def _inputs(texts: list[str]) -> dict[str, object]:
    return {"model": "local", "input": texts}


def _uploads() -> list[Attack]:
    parts = {f"f{number}": "x" for number in range(2_000)}
    return [
        recording("24 MB", b"\x00" * 24_000_000),
        recording("24 MB four times", wide_wav(24), times=4),
        accepted_recordings("24 MB four times, transcribed", wide_wav(24), times=4),
        request(
            "megabytes in fields",
            "POST",
            "/v1/audio/transcriptions",
            key=True,
            times=4,
            data={f"f{number}": "я" * 450_000 for number in range(25)},
            files={"file": ("a", b"RIFF")},
        ),
        request("a long part header", "POST", "/v1/audio/transcriptions", key=True, times=4, **_part_header(24)),
        request(
            "many fields", "POST", "/v1/audio/transcriptions", key=True, data=parts, files={"file": ("a", b"RIFF")}
        ),
        request(
            "a long boundary",
            "POST",
            "/v1/audio/transcriptions",
            key=True,
            content=b"-" * 1_000_000,
            headers={"Content-Type": f"multipart/form-data; boundary={'-' * 3_000}"},
        ),
        request("without a key", "POST", "/v1/audio/transcriptions", content=b"\x00" * 5_000_000, times=4),
    ]


def _part_header(megabytes: int) -> dict[str, object]:
    content = b"--b\r\ncontent-disposition: " + b"a" * (megabytes * 1_000_000)
    return {"content": content, "headers": {"Content-Type": "multipart/form-data; boundary=b"}}


def _websockets() -> list[Attack]:
    phone, panel = "/phone/tts", "/admin/ui/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    return [
        websocket("phone, asterisks", phone, [speak(f"Hi. ```a```{repeated('*', _LONGEST)}!")], key=True),
        websocket("phone, a deep message", phone, ["[" * 60_000], key=True),
        websocket("phone, long messages", phone, ["a" * 120_000], key=True, repeat=10),
        websocket("phone, many messages", phone, ["{}"], key=True, repeat=3_000),
        websocket("phone, without a key", phone, [speak("a")], key=False, repeat=1_000),
        websocket("phone, megabytes", phone, [b"\x00" * 3_000_000], key=True),
        websocket("panel, without a session", panel, ["40", f'42["a","{"b" * 60_000}"]'], key=False, repeat=20),
        websocket("speech of the office", "/admin/tts/ws/stream", ["a" * 60_000], key=False),
    ]


CLASSES: dict[str, Callable[[], list[Attack]]] = {
    "spoken texts": _speech,
    "chat texts": _chat,
    "FAQ questions": _questions,
    "query strings": _query_strings,
    "headers": _headers,
    "JSON bodies": _bodies,
    "recordings": _recordings,
    "schemas": _schemas,
    "embeddings": _embeddings,
    "uploads": _uploads,
    "websockets": _websockets,
}
