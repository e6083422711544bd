"""What users may be called, and when two names are the same.

Rules: names and addresses are compared in folded form (NFC, casefold, NFC). A name holds no '@', so that it is never somebody's address,
and no control, format or unassigned character, so that two names that look alike are not told apart by something invisible.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from antiphon.core.errors import BadRequest

NAME_LIMIT: Final = 64
EMAIL_LIMIT: Final = 254
_EMAIL: Final = re.compile(r"[^@\s\"<>(),:;\\\[\]]{1,64}@[^@\s\"<>(),:;\\\[\]_.]+(?:\.[^@\s\"<>(),:;\\\[\]_.]+)*")


def fold(text: str) -> str:
    """The form in which names and addresses are compared."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def clean_name(text: str) -> str:
    """The name in NFC without outer spaces. Raises BadRequest."""
    name = _visible(text, "name")
    if not 1 <= len(name) <= NAME_LIMIT:
        raise BadRequest(f"A name has 1 to {NAME_LIMIT} characters.", param="name", code="invalid_name")
    if "@" in name:
        raise BadRequest("A name must not contain '@'.", param="name", code="invalid_name")
    return name


def clean_email(text: str) -> str:
    """The address in NFC without outer spaces. Raises BadRequest for what cannot be an address."""
    email = _visible(text, "email")
    if len(email) > EMAIL_LIMIT or _EMAIL.fullmatch(email) is None:
        raise BadRequest("This is not an e-mail address.", param="email", code="invalid_email")
    return email


def _visible(text: str, param: str) -> str:
    cleaned = unicodedata.normalize("NFC", text.strip())
    if any(unicodedata.category(character)[0] == "C" for character in cleaned):
        raise BadRequest(f"The {param} contains an invisible character.", param=param, code=f"invalid_{param}")
    return cleaned
