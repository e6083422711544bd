"""The management API's frame: one FastAPI application, one way to know who asks, one shape of error, one rule about rights.

Every route names its right with `needs(action, kind)`; `create` refuses to build an application with a route that does not. What depends on
the single thing is asked of `permissions.readable` by the route itself.

Bodies are read by the same strict reader as everywhere (wire.json), whatever their Content-Type, before FastAPI sees them.

Errors: {"error": {"code", "message", "param"}}.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends as Dependency
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException

from antiphon.accounts.sessions import Page, from_own_page
from antiphon.api.http import ClientGone, head_of, read_body
from antiphon.api.identify import client_address, is_local, own_origins
from antiphon.api.services import Services
from antiphon.core.actor import ANONYMOUS, Actor
from antiphon.core.errors import AntiphonError, BadRequest, OurError, Refused
from antiphon.permissions.decide import require
from antiphon.permissions.kinds import Action, Kind
from antiphon.wire import json


class Input(BaseModel):
    """Base of every request body: unknown fields are refused, types are not guessed."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Json(Response):
    """An answer of core values and plain data, encoded by msgspec."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return msgspec.json.encode(content)


class _Decoded(Request):
    """A request whose JSON body was read already."""

    def __init__(self, request: Request, value: Any) -> None:
        super().__init__({**request.scope, "headers": [*_without_type(request), (b"content-type", b"application/json")]}, request.receive)
        self._value = value

    async def body(self) -> bytes:
        return b"{}"

    async def json(self) -> Any:
        return self._value


def _without_type(request: Request) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in request.scope["headers"] if name != b"content-type"]


class Route(APIRoute):
    """A route whose JSON body is bounded and read strictly; FastAPI's own reader lets NaN, half characters and deep nesting through."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def strict(request: Request) -> Response:
            try:
                body = await read_body(head_of(request.scope), request.receive, services_of(request).options.body_limit)
            except ClientGone:
                return Response(status_code=400)
            return await handle(_Decoded(request, json.decode(body)))

        return strict


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def from_our_page(request: Request) -> None:
    """Refused for what a page of somebody else made a browser send; programs, which name no page, may pass."""
    headers = head_of(request.scope).headers
    if "origin" in headers or "sec-fetch-site" in headers:
        page = Page(request.method, own_origins(services_of(request).options, request.scope, head_of(request.scope)))
        if not from_own_page(headers, page):
            raise Refused("This request did not come from a page of this server.", code="cross_site")


async def actor_of(request: Request) -> Actor:
    """Who asks, by any credential including the session cookie. Raises Unauthenticated for one that does not hold."""
    services = services_of(request)
    options, head = services.options, head_of(request.scope)
    client = client_address(options, request.scope, head)
    page = Page(request.method, own_origins(options, request.scope, head))
    actor = await services.authenticator.authenticate(head.headers, page)
    if actor is None:
        local = options.local_access and is_local(options, request.scope, head)
        actor = Actor(kind="local") if local else ANONYMOUS
    return msgspec.structs.replace(actor, client=client)


Given = Annotated[Services, Depends(services_of)]
Asker = Annotated[Actor, Depends(actor_of)]


class Open:
    """For everybody, whatever credential they carry: an outdated cookie must not keep anybody from the door."""

    def __call__(self) -> None:
        return


class Needs:
    """The right that a route asks for before anything else."""

    def __init__(self, action: Action, kind: Kind) -> None:
        self.action = action
        self.kind = kind

    def __call__(self, actor: Asker) -> None:
        require(actor, self.action, self.kind)


def needs(action: Action, kind: Kind) -> Dependency:
    return Dependency(Needs(action, kind))


def open_to_all() -> Dependency:
    return Dependency(Open())


def policies(app: FastAPI) -> Iterator[tuple[str, str, Needs | Open | None]]:
    """(method, path, right) of every route; None where a route names no right."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        given = route.dependencies if isinstance(route, APIRoute) else ()
        found = next((d.dependency for d in given if isinstance(d.dependency, Needs | Open)), None)
        for method in sorted(getattr(route, "methods", None) or ("*",)):
            yield method, context.path or "", found


class Described(NamedTuple):
    """A route outside this application that its description names too."""

    method: str
    path: str
    summary: str


def create(services: Services, routers: Sequence[APIRouter], version: str, besides: Sequence[Described] = ()) -> FastAPI:
    """besides: routes that others answer. Raises RuntimeError for a route without a right."""
    app = FastAPI(
        title="Antiphon",
        version=version,
        default_response_class=Json,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        max_body_size=services.options.upload_limit,
    )
    app.state.services = services
    app.add_exception_handler(AntiphonError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _defect)
    for router in routers:
        app.include_router(router)
    if open_routes := [f"{method} {path}" for method, path, right in policies(app) if right is None]:
        raise RuntimeError(f"routes without a right: {', '.join(open_routes)}")
    own = app.openapi

    def whole() -> dict[str, Any]:
        schema = own()
        for route in besides:
            operation = {"summary": route.summary, "tags": ["dialects"], "responses": {"200": {"description": "The dialect's own form."}}}
            schema["paths"].setdefault(route.path, {}).setdefault(route.method.lower(), operation)
        return schema

    app.openapi = whole  # type: ignore[method-assign]
    return app


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, AntiphonError)
    headers = {"Retry-After": str(max(1, round(error.retry_after)))} if error.retry_after else None
    body = {"error": {"code": error.code, "message": error.message, "param": error.param}}
    return Json(body, error.status, headers=headers)


async def _invalid(request: Request, error: Exception) -> Response:
    """The first thing that is wrong, in words, without repeating what was sent."""
    assert isinstance(error, RequestValidationError | ValidationError)
    first = error.errors()[0]
    where = ".".join(str(step) for step in first["loc"] if step not in ("body", "query", "path"))
    message = f"{where}: {first['msg']}" if where else str(first["msg"])
    return await _told(request, BadRequest(message, param=where or None))


async def _defect(request: Request, error: Exception) -> Response:
    """Our own mistake; whoever called this application logs it."""
    return await _told(request, OurError("Something went wrong on our side. The problem has been logged."))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {
        404: ("not_found", "There is nothing at this address."),
        405: ("method_not_allowed", "This address does not take that method."),
    }
    code, message = codes.get(error.status_code, ("invalid_request", str(error.detail)))
    return Json({"error": {"code": code, "message": message, "param": None}}, error.status_code, headers=error.headers)
