import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployments.contracts.errors import InvalidRequest
from storage.secrets import SealBroken, Sealer, key_digest, key_prefix, new_api_key, read_or_create_secret

KEY = b"k" * 32


def test_a_sealed_text_opens_again_and_shows_nothing() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal("123:секрет")
    assert sealer.open(sealed) == "123:секрет"
    assert "секрет" not in sealed
    assert sealed != sealer.seal("123:секрет")


@pytest.mark.parametrize("damage", [lambda s: s[:-4] + "AAAA", lambda s: "v1.", lambda s: "привет", lambda s: s[:20]])
def test_a_damaged_seal_does_not_open(damage) -> None:  # type: ignore[no-untyped-def]
    sealer = Sealer(KEY)
    with pytest.raises(SealBroken):
        sealer.open(damage(sealer.seal("text")))


def test_another_key_does_not_open_it_and_the_error_keeps_the_secret() -> None:
    sealed = Sealer(KEY).seal("123:secret")
    with pytest.raises(SealBroken) as caught:
        Sealer(b"x" * 32).open(sealed)
    assert "123" not in repr(caught.value)
    assert sealed not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_short_key_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        Sealer(b"admin")


def test_a_key_file_is_made_once_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret.key"
    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(read_or_create_secret, [path] * 32))
    assert len(seen) == 1
    assert len(seen.pop()) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]
    sealed = Sealer.from_file(path).seal("text")
    assert Sealer.from_file(path).open(sealed) == "text"


def test_api_keys_are_long_random_and_recognisable() -> None:
    key = new_api_key()
    assert key.startswith("sk-sec-")
    assert len(key) == len("sk-sec-") + 43
    assert new_api_key() != key
    assert len(key_digest(key)) == 64
    assert key.startswith(key_prefix(key))
    assert len(key_prefix(key)) == len("sk-sec-") + 4
    assert len(key_prefix("my-own-key")) <= 2
