"""Random secrets that are handed out once and stored only as a hash: API keys, sessions, one-time links.

A plain SHA-256 suffices, because what is hashed is 256 random bits and cannot be guessed from its hash.
"""

from __future__ import annotations

import hashlib
import secrets


def new_secret(prefix: str) -> str:
    """`sk-` -> `sk-` and 43 characters of base64url (256 bits)."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored and looked up; any text is accepted, since a caller may send anything."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
