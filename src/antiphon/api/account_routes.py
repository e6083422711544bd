"""Users, sessions, keys, and the set-up of the first administrator."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from antiphon.accounts.sessions import read_cookie, set_cookie
from antiphon.accounts.store import ApiKey, Role, User
from antiphon.api.http import head_of
from antiphon.api.identify import client_address
from antiphon.api.management import Asker, Given, Input, Json, Route, from_our_page, needs, open_to_all
from antiphon.api.services import Services
from antiphon.core.actor import Actor
from antiphon.core.errors import BadRequest, Unauthenticated
from antiphon.permissions.readable import check

router = APIRouter(prefix="/api", tags=["accounts"], route_class=Route)


class SetUp(Input):
    token: str = Field(max_length=200)
    name: str = Field(max_length=200)
    email: str | None = Field(default=None, max_length=320)
    password: str = Field(max_length=2_000)


class SignIn(Input):
    username: str = Field(max_length=2_000)
    password: str = Field(max_length=2_000)


class NewUser(Input):
    name: str = Field(max_length=200)
    email: str | None = Field(default=None, max_length=320)
    password: str | None = Field(default=None, max_length=2_000)
    role: Literal["admin", "member"] = "member"


class UserChange(Input):
    """What is left out stays. current_password is asked of whoever changes his own."""

    role: Literal["admin", "member"] | None = None
    suspended: bool | None = None
    password: str | None = Field(default=None, max_length=2_000)
    current_password: str | None = Field(default=None, max_length=2_000)


class NewKey(Input):
    """user: whose key, for administrators; else one's own. expires_at: milliseconds since the epoch."""

    name: str = Field(max_length=200)
    scopes: list[str] = Field(default=[], max_length=10)
    expires_at: int | None = None
    user: str | None = Field(default=None, max_length=100)


def shown(user: User) -> dict[str, Any]:
    fields = ("id", "name", "email", "role", "created_at", "suspended_at", "signed_in_at")
    return {field: getattr(user, field) for field in fields}


@router.post("/setup", dependencies=[open_to_all(), Depends(from_our_page)], status_code=201)
async def set_up(body: SetUp, services: Given, request: Request) -> Response:
    """Become the first administrator with the link that the server printed at start; signs in."""
    user = await services.accounts.setup.claim(body.token, body.name, body.email, body.password)
    return await _signed_in(services, user, request, 201)


@router.post("/session", dependencies=[open_to_all(), Depends(from_our_page)])
async def sign_in(body: SignIn, services: Given, request: Request) -> Response:
    """Sign in by name or e-mail address; the session is an HttpOnly cookie."""
    client = client_address(services.options, request.scope, head_of(request.scope))
    user = await services.accounts.sign_in(body.username, body.password, client)
    return await _signed_in(services, user, request, 200)


@router.delete("/session", dependencies=[open_to_all(), Depends(from_our_page)], status_code=204)
async def sign_out(services: Given, request: Request) -> Response:
    head = head_of(request.scope)
    if (secret := read_cookie(head.headers)) is not None:
        await services.accounts.close_session(secret)
    gone = set_cookie("", 0, secure=request.url.scheme == "https", path=services.options.root_path)
    return Response(status_code=204, headers={"Set-Cookie": gone})


async def _signed_in(services: Services, user: User, request: Request, status: int) -> Response:
    secret = await services.accounts.open_session(user)
    seconds = services.accounts.terms.session_seconds
    secure = request.url.scheme == "https" or (services.options.public_url or "").startswith("https:")
    cookie = set_cookie(secret, seconds, secure=secure, path=services.options.root_path)
    return Json(shown(user), status, headers={"Set-Cookie": cookie, "Cache-Control": "no-store"})


@router.get("/me", dependencies=[needs("ask", "site")])
async def me(actor: Asker) -> Response:
    """Who this server takes the caller for."""
    return Json({"kind": actor.kind, "user": actor.user, "name": actor.name, "admin": actor.admin, "scopes": sorted(actor.scopes)})


@router.get("/users", dependencies=[needs("read", "user")])
async def list_users(services: Given, actor: Asker) -> Response:
    return Json({"users": [shown(user) for user in await services.accounts.list_users(actor)]})


@router.post("/users", dependencies=[needs("create", "user")], status_code=201)
async def create_user(body: NewUser, services: Given) -> Response:
    return Json(shown(await services.accounts.create_user(body.name, body.email, body.password, body.role)), 201)


@router.patch("/users/{id}", dependencies=[needs("write", "user")])
async def change_user(id: str, body: UserChange, services: Given, actor: Asker) -> Response:
    """One's own password; role, suspension and anybody's password for administrators."""
    await services.db.read(check, actor, "write", "user", id)
    if body.role is not None or body.suspended is not None:
        await services.db.read(check, actor, "manage", "user", id)
    if body.password is not None:
        await services.accounts.change_password(id, body.password, current=_proof(actor, id, body.current_password))
    if body.role is not None:
        role: Role = body.role
        await services.accounts.set_role(id, role)
    if body.suspended is not None:
        await (services.accounts.suspend(id) if body.suspended else services.accounts.resume(id))
    return Json(shown(await services.accounts.get_user(actor, id)))


def _proof(actor: Actor, user: str, current: str | None) -> str | None:
    """Whoever changes his own password must know it; an administrator changes others' without."""
    if actor.admin and actor.user != user:
        return None
    if current is None:
        raise BadRequest("The current password is missing.", param="current_password")
    return current


@router.delete("/users/{id}", dependencies=[needs("manage", "user")], status_code=204)
async def delete_user(id: str, services: Given, actor: Asker) -> Response:
    await services.db.read(check, actor, "manage", "user", id)
    await services.accounts.delete_user(id)
    return Response(status_code=204)


@router.get("/keys", dependencies=[needs("read", "key")])
async def list_keys(services: Given, actor: Asker) -> Response:
    keys: list[ApiKey] = await services.accounts.list_keys(actor)
    return Json({"keys": keys})


@router.post("/keys", dependencies=[needs("create", "key")], status_code=201)
async def create_key(body: NewKey, services: Given, actor: Asker) -> Response:
    """The answer holds the key itself, this once."""
    owner = body.user if body.user is not None and actor.admin else actor.user
    if owner is None or (body.user is not None and body.user != owner):
        raise Unauthenticated("Keys belong to users; sign in, or name a user as an administrator.", code="missing_credential")
    found = await services.accounts.find_user(owner) if body.user is not None and not owner.startswith("user_") else None
    scopes = body.scopes or sorted(actor.scopes)
    if actor.scopes and not actor.scopes.issuperset(scopes):
        raise BadRequest("A key cannot give more than it may itself.", param="scopes", code="unknown_scope")
    key, secret = await services.accounts.create_key(found.id if found else owner, body.name, scopes, body.expires_at)
    return Json({"key": secret, "details": key}, 201, headers={"Cache-Control": "no-store"})


@router.delete("/keys/{id}", dependencies=[needs("manage", "key")], status_code=204)
async def revoke_key(id: str, services: Given, actor: Asker) -> Response:
    await services.accounts.revoke_key(actor, id)
    return Response(status_code=204)
