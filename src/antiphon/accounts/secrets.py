"""The data directory's one key, and what is derived from it.

Rules: the key file is made by O_EXCL with mode 0600 and never printed. Nothing uses the key itself: each purpose gets its own key (HKDF,
SHA-256, RFC 5869), so that a value made for one purpose means nothing to another. Sealing is AES-256-GCM with a random nonce; the context
(say, whose key it is) is authenticated, so that a sealed value cannot be moved to another row.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from antiphon.core.errors import OurError

Purpose = Literal["access-token", "ticket", "provider-key", "setting"]
KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VERSION: Final = "v1."


class Keyring:
    """Derives one key for each purpose."""

    def __init__(self, root: bytes) -> None:
        if len(root) != KEY_BYTES:
            raise OurError("The key file of the data directory is damaged.", code="bad_key_file")
        self._root = root

    @classmethod
    def of(cls, path: Path) -> Keyring:
        """Read the key file, making it first where there is none. Whoever comes second uses the first one's."""
        try:
            return cls(_read(path))
        except FileNotFoundError:
            _create(path)
            return cls(_read(path))

    def key(self, purpose: Purpose) -> bytes:
        """32 bytes that only this purpose uses."""
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"antiphon {purpose}".encode()).derive(self._root)

    def box(self, purpose: Purpose) -> SecretBox:
        return SecretBox(self.key(purpose))


class SecretBox:
    """Keeps secrets at rest: `seal` to text that may be stored, `open` back."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secret: str, context: str) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, secret.encode(), context.encode())
        return _VERSION + base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str, context: str) -> str:
        """Raises OurError when it was sealed with another key, for another purpose or context, or was altered."""
        try:
            if not sealed.startswith(_VERSION):
                raise ValueError
            data = base64.b64decode(sealed[len(_VERSION) :], altchars=b"-_", validate=True)
            return self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], context.encode()).decode()
        except (ValueError, binascii.Error, InvalidTag):
            raise OurError(
                "A stored secret cannot be read with this data directory's key. Enter it again.", code="unreadable_secret"
            ) from None


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
        return file.read(KEY_BYTES + 1)


def _create(path: Path) -> None:
    """Written whole under another name first, so that nobody ever reads half a key; the link fails when somebody was faster."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(descriptor)
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
