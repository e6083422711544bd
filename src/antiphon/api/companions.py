"""The routes that stand beside a dialect's asking route: signing in, stopping, listing models, embedding, being alive."""

from __future__ import annotations

import msgspec

from antiphon.api.ask import answering, asker
from antiphon.api.http import Receive, Scope, Send, head_of, read_body, send_reply
from antiphon.api.identify import client_address
from antiphon.api.services import Services
from antiphon.core.errors import BadRequest, NotFound, Unauthenticated
from antiphon.core.tokens import estimate
from antiphon.dialects.base import Reply
from antiphon.dialects.kuwa.dialect import KUWA
from antiphon.dialects.kuwa.render import aborted
from antiphon.dialects.openai_chat.dialect import OPENAI_CHAT
from antiphon.dialects.xiaozhi import render as xiaozhi
from antiphon.dialects.xiaozhi.decode import decode_credentials
from antiphon.dialects.xiaozhi.dialect import XIAOZHI
from antiphon.wire import json
from antiphon.wire.openai_chat import ModelCard, ModelList

MODELS_PATH = "/v1/models/"


class Companions:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def xiaozhi_auth(self, scope: Scope, receive: Receive, send: Send) -> None:
        """POST /auth: name (or e-mail) and password for a token. Only the dialect knows where in a request the two may stand."""

        async def answer() -> None:
            services = self._services
            head = head_of(scope)
            found = decode_credentials(head, await read_body(head, receive, services.options.body_limit))
            if found is None:
                await send_reply(send, xiaozhi.credentials_missing())
                return
            try:
                user = await services.accounts.sign_in(*found, client_address(services.options, scope, head))
            except Unauthenticated:
                await send_reply(send, xiaozhi.credentials_wrong())
                return
            token, _ = services.accounts.access_token(user)
            await send_reply(send, xiaozhi.token(token))

        await answering(XIAOZHI, send, answer)

    async def kuwa_abort(self, scope: Scope, receive: Receive, send: Send) -> None:
        """POST /v1.0/chat/abort: stop all that the caller has running in this dialect."""

        async def answer() -> None:
            actor = await asker(self._services, scope, head_of(scope))
            for run in self._services.runs.active(actor, KUWA.name):
                run.stop()
            await send_reply(send, aborted(actor.user, actor.name))

        await answering(KUWA, send, answer)

    async def list_models(self, scope: Scope, receive: Receive, send: Send) -> None:
        """GET /v1/models: what this caller may ask, models and bots."""

        async def answer() -> None:
            cards = await self._cards(scope)
            await send_reply(send, Reply(200, msgspec.json.encode(ModelList(cards))))

        await answering(OPENAI_CHAT, send, answer)

    async def one_model(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer() -> None:
            name = scope["path"].removeprefix(MODELS_PATH)
            for card in await self._cards(scope):
                if card.id == name:
                    await send_reply(send, Reply(200, msgspec.json.encode(card)))
                    return
            raise NotFound(f"The model '{name[:100]}' does not exist or is not yours to use.", code="model_not_found", param="model")

        await answering(OPENAI_CHAT, send, answer)

    async def _cards(self, scope: Scope) -> list[ModelCard]:
        actor = await asker(self._services, scope, head_of(scope))
        listed = await self._services.catalogue.listing(actor)
        return [ModelCard(item.name, item.created, item.owner) for item in listed]

    async def embeddings(self, scope: Scope, receive: Receive, send: Send) -> None:
        """POST /v1/embeddings by the configured embedder; 404 model_not_found without one, or by another name."""

        async def answer() -> None:
            services = self._services
            head = head_of(scope)
            await asker(services, scope, head)
            asked = json.decode(await read_body(head, receive, services.options.body_limit))
            texts = _texts(asked)
            embedder = services.embedder
            name = asked.get("model")
            if embedder is None or (name is not None and name != embedder.model):
                raise NotFound("There is no such embedding model.", code="model_not_found", param="model")
            vectors = await embedder.embed(texts)
            data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors.tolist())]
            usage = {"prompt_tokens": sum(map(estimate, texts)), "total_tokens": sum(map(estimate, texts))}
            body = {"object": "list", "data": data, "model": embedder.model, "usage": usage}
            await send_reply(send, Reply(200, msgspec.json.encode(body)))

        await answering(OPENAI_CHAT, send, answer)


def _texts(asked: object) -> list[str]:
    given = asked.get("input") if isinstance(asked, dict) else None
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or len(texts) > 2_048 or not all(isinstance(text, str) and text for text in texts):
        raise BadRequest("'input' must be a text or a list of up to 2,048 texts.", param="input")
    return texts
