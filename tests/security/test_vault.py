from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.security.errors import BadSeal, VaultClosed
from ccplatform.security.vault import KEY_VARIABLE, Vault, load_vault

VAULT = Vault(b"1" * 32)


@given(st.binary(max_size=200), st.text(max_size=40).filter(lambda text: text.isprintable()))
def test_what_was_sealed_opens_in_its_context_only(plain: bytes, context: str) -> None:
    sealed = VAULT.seal(plain, context)
    assert VAULT.open(sealed, context) == plain
    with pytest.raises(BadSeal):
        VAULT.open(sealed, context + "!")


@given(st.binary(min_size=1, max_size=60), st.data())
def test_a_changed_byte_anywhere_is_noticed(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(VAULT.seal(plain, "x"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadSeal):
        VAULT.open(bytes(sealed), "x")


@given(st.binary(max_size=80))
def test_junk_is_a_bad_seal(junk: bytes) -> None:
    with pytest.raises(BadSeal):
        VAULT.open(junk, "x")


def test_the_same_plain_text_never_looks_the_same() -> None:
    assert VAULT.seal(b"7", "x") != VAULT.seal(b"7", "x")


def test_another_installation_cannot_open_it() -> None:
    with pytest.raises(BadSeal):
        Vault(b"2" * 32).open(VAULT.seal(b"7", "x"), "x")


def test_the_key_file_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    sealed = load_vault(tmp_path / "data", {}).seal(b"7", "x")
    assert (tmp_path / "data" / "master.key").stat().st_mode & 0o777 == 0o600
    assert load_vault(tmp_path / "data", {}).open(sealed, "x") == b"7"
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["master.key"]


def test_the_environment_can_hold_the_key_instead(tmp_path: Path) -> None:
    environment = {KEY_VARIABLE: base64.b64encode(b"1" * 32).decode()}
    assert load_vault(tmp_path, environment).open(VAULT.seal(b"7", "x"), "x") == b"7"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("text", "reason"), [("short", "not base64"), ("c2hvcnQ=", "5 bytes, not 32")])
def test_a_wrong_key_says_what_is_wrong_with_it(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(VaultClosed, match=f"{KEY_VARIABLE}.*{reason}"):
        load_vault(tmp_path, {KEY_VARIABLE: text})
    (tmp_path / "master.key").write_text(text)
    (tmp_path / "master.key").chmod(0o600)
    with pytest.raises(VaultClosed, match=rf"master\.key.*{reason}"):
        load_vault(tmp_path, {})


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_vault(tmp_path, {})
    (tmp_path / "master.key").chmod(0o644)
    with pytest.raises(VaultClosed, match="chmod 600"):
        load_vault(tmp_path, {})
