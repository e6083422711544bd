"""From an actor, a request and a resolved target to what will really be asked: the bot's parameters under the caller's. Pure."""

from __future__ import annotations

import msgspec

from antiphon.chat.ports import Target
from antiphon.core import language
from antiphon.core.actor import Actor
from antiphon.core.errors import BadRequest
from antiphon.core.language import Language
from antiphon.core.request import MAX_MESSAGES, ChatRequest, Sampling


class Plan(msgspec.Struct, frozen=True):
    actor: Actor
    request: ChatRequest
    target: Target
    language: Language


def make_plan(actor: Actor, request: ChatRequest, target: Target) -> Plan:
    """Raises BadRequest for a conversation without a question or with too many messages."""
    if not request.messages:
        raise BadRequest("There are no messages to answer.", param="messages")
    if len(request.messages) > MAX_MESSAGES:
        raise BadRequest(f"A conversation may have at most {MAX_MESSAGES} messages.", param="messages", code="too_many_messages")
    if target.grounded and not request.question.strip():
        raise BadRequest("The question is empty.", param="messages", code="empty_question")
    spoken = language.match(request.language) or language.detect(request.question)
    sampling = _under(request.sampling, target.sampling)
    return Plan(actor, msgspec.structs.replace(request, sampling=sampling, language=spoken), target, spoken)


def _under(asked: Sampling, default: Sampling) -> Sampling:
    """What the caller asked for, completed by the bot's defaults."""
    given = {name: value for name in Sampling.__struct_fields__ if (value := getattr(asked, name)) not in (None, ())}
    return msgspec.structs.replace(default, **given)
