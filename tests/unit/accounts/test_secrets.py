from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args

import pytest

from antiphon.accounts.secrets import Keyring, Purpose
from antiphon.accounts.tokens import LONGEST_LIFE, TokenSigner
from antiphon.core.errors import AntiphonError, OurError

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


def test_the_key_file_is_the_owners_alone_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    first = Keyring.of(path).key("ticket")
    assert path.stat().st_mode & 0o777 == 0o600
    assert Keyring.of(path).key("ticket") == first
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_file_that_others_could_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    Keyring.of(path)
    path.chmod(0o644)
    Keyring.of(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_many_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    path, barrier, keys = tmp_path / "secret.key", threading.Barrier(16), list[bytes]()

    def start() -> None:
        barrier.wait()
        keys.append(Keyring.of(path).key("ticket"))

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 16
    assert len(set(keys)) == 1


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_damaged_key_file_is_said_so(tmp_path: Path, size: int) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(bytes(size))
    with pytest.raises(OurError, match="damaged"):
        Keyring.of(path)


def test_every_purpose_has_its_own_key() -> None:
    keyring = Keyring(bytes(32))
    assert len({keyring.key(purpose) for purpose in PURPOSES} | {bytes(32)}) == len(PURPOSES) + 1


def test_sealed_text_comes_back_and_does_not_show() -> None:
    box = Keyring(bytes(32)).box("provider-key")
    sealed = box.seal("sk-secret-ключ", "model:gpt")
    assert "secret" not in sealed
    assert sealed != box.seal("sk-secret-ключ", "model:gpt")
    assert box.open(sealed, "model:gpt") == "sk-secret-ключ"


def test_sealed_text_cannot_be_moved_or_altered() -> None:
    box = Keyring(bytes(32)).box("provider-key")
    sealed = box.seal("sk-secret", "model:a")
    data = bytearray(base64.urlsafe_b64decode(sealed.removeprefix("v1.")))
    data[20] ^= 1
    altered = "v1." + base64.urlsafe_b64encode(bytes(data)).decode()
    for text, context in [
        (sealed, "model:b"),
        (sealed, ""),
        (altered, "model:a"),
        ("v1.", "model:a"),
        ("", "model:a"),
        ("v2" + sealed[2:], "model:a"),
    ]:
        with pytest.raises(OurError):
            box.open(text, context)


def _makers(keyring: Keyring) -> dict[Purpose, str]:
    made: dict[Purpose, str] = {}
    for purpose in PURPOSES:
        if purpose in LONGEST_LIFE:
            made[purpose] = TokenSigner(keyring, purpose).issue("user_1", 0, 30, about="ask")[0]
        else:
            made[purpose] = keyring.box(purpose).seal("secret", "x")
    return made


def _readers(keyring: Keyring) -> dict[Purpose, Callable[[str], object]]:
    signers: dict[Purpose, Callable[[str], object]] = {purpose: TokenSigner(keyring, purpose).verify for purpose in LONGEST_LIFE}
    boxes: dict[Purpose, Callable[[str], object]] = {
        purpose: partial(keyring.box(purpose).open, context="x") for purpose in PURPOSES if purpose not in LONGEST_LIFE
    }
    return signers | boxes


@pytest.mark.parametrize("made_for", PURPOSES)
@pytest.mark.parametrize("shown_to", PURPOSES)
def test_what_is_made_for_one_purpose_means_nothing_to_another(made_for: Purpose, shown_to: Purpose) -> None:
    keyring = Keyring(bytes(range(32)))
    made, read = _makers(keyring)[made_for], _readers(keyring)[shown_to]
    if made_for == shown_to:
        read(made)
    else:
        with pytest.raises(AntiphonError):
            read(made)
