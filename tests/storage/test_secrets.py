import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployments.contracts.errors import InvalidRequest
from storage.secrets import SealBroken, Sealer, key_digest, key_prefix, new_api_key, read_or_create_secret

KEY = b"k" * 32


def test_sealed_text_opens_and_differs_each_time() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal("123:секрет")
    assert sealer.open(sealed) == "123:секрет"
    assert "секрет" not in sealed
    assert sealed != sealer.seal("123:секрет")


@pytest.mark.parametrize("damage", [lambda s: s[:-4] + "AAAA", lambda s: "v1.", lambda s: "привет", lambda s: s[:20]])
def test_damaged_seal_does_not_open(damage: Callable[[str], str]) -> None:
    sealer = Sealer(KEY)
    with pytest.raises(SealBroken):
        sealer.open(damage(sealer.seal("text")))


def test_another_key_does_not_open_and_error_hides_text() -> None:
    sealed = Sealer(KEY).seal("123:secret")
    with pytest.raises(SealBroken) as caught:
        Sealer(b"x" * 32).open(sealed)
    assert "123" not in repr(caught.value)
    assert sealed not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_short_key_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        Sealer(b"admin")


def test_key_file_is_private_and_created_once(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret.key"
    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(read_or_create_secret, [path] * 32))
    assert len(seen) == 1
    assert len(seen.pop()) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]
    sealed = Sealer.from_file(path).seal("text")
    assert Sealer.from_file(path).open(sealed) == "text"


def test_api_keys_are_random_with_a_short_prefix() -> None:
    key = new_api_key()
    assert key.startswith("sk-sec-")
    assert len(key) == len("sk-sec-") + 43
    assert new_api_key() != key
    assert len(key_digest(key)) == 64
    assert key.startswith(key_prefix(key))
    assert len(key_prefix(key)) == len("sk-sec-") + 4
    assert len(key_prefix("my-own-key")) <= 2
