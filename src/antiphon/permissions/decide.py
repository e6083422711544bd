"""May this actor do this, to this kind of thing? One table, one function; what is not in the table is denied.

`decide` knows rules that follow from who somebody is. Where it depends on the thing, it says `rows`, and `readable` holds the query.
An API key never has more rights than its user has at that moment: `Actor.admin` is computed from the user at each authentication, and
the key's scopes are asked first.
"""

from __future__ import annotations

from typing import Final, Literal, cast

from antiphon.core.actor import Actor
from antiphon.core.errors import Refused, Unauthenticated
from antiphon.permissions.kinds import SCOPE_COVERS, Action, Kind, Scope

Who = Literal["anyone", "asker", "member", "here", "admin", "granted", "own", "own or admin"]
Verdict = Literal["allow", "deny", "rows"]

POLICY: Final[dict[tuple[Kind, Action], Who]] = {
    ("chat", "ask"): "asker",
    ("search", "ask"): "asker",
    ("ticket", "create"): "asker",
    ("collection", "create"): "member",
    ("collection", "read"): "granted",
    ("collection", "write"): "granted",
    ("collection", "manage"): "granted",
    ("document", "read"): "granted",
    ("document", "write"): "granted",
    ("model", "create"): "admin",
    ("model", "read"): "granted",
    ("model", "manage"): "granted",
    ("bot", "create"): "admin",
    ("bot", "read"): "granted",
    ("bot", "manage"): "granted",
    ("site", "create"): "admin",
    ("site", "ask"): "anyone",
    ("site", "read"): "granted",
    ("site", "manage"): "granted",
    ("user", "create"): "admin",
    ("user", "read"): "own or admin",
    ("user", "write"): "own or admin",
    ("user", "manage"): "admin",
    ("key", "create"): "member",
    ("key", "read"): "own or admin",
    ("key", "manage"): "own or admin",
    ("run", "read"): "own",
    ("run", "write"): "own",
    ("conversation", "read"): "own",
    ("conversation", "write"): "own",
    ("setting", "read"): "admin",
    ("setting", "write"): "admin",
    ("server", "ask"): "anyone",
    ("server", "read"): "here",
    ("server", "write"): "admin",
}
"""anyone: even without a credential (what is asked for is then found or not). asker: whoever may ask questions. member: signed in.
here: administrators, and whoever sits at this machine. granted: by rows of grants. own: its owner alone, and the nameless own nothing."""


def decide(actor: Actor, action: Action, kind: Kind, *, anonymous: bool = False) -> Verdict:
    """`rows`: the answer depends on the thing; ask `readable`. anonymous: whether this server answers the nameless."""
    who = POLICY.get((kind, action))
    if who == "anyone":
        return "allow"
    if who is None or not within_scopes(actor, action, kind):
        return "deny"
    if who == "granted":
        return "allow" if actor.admin else "rows"
    if who == "own or admin" and actor.admin:
        return "allow"
    if who in ("own", "own or admin"):
        return "rows" if actor.kind in ("user", "key") else "deny"
    return "allow" if _is(actor, who, anonymous) else "deny"


def require(actor: Actor, action: Action, kind: Kind, *, anonymous: bool = False) -> Verdict:
    """`decide`, with a refusal as an exception: Unauthenticated for the nameless, Refused for the known."""
    verdict = decide(actor, action, kind, anonymous=anonymous)
    if verdict != "deny":
        return verdict
    if actor.kind not in ("user", "key"):
        raise Unauthenticated("This needs a credential: an API key or a token as 'Authorization: Bearer ...'.", code="missing_credential")
    if not within_scopes(actor, action, kind):
        raise Refused("This API key's scopes do not cover this.", code="insufficient_scope")
    raise Refused("You may not do this.")


def within_scopes(actor: Actor, action: Action, kind: Kind) -> bool:
    """A key's own bounds; whoever has no scopes has none."""
    if not actor.scopes or "admin" in actor.scopes:
        return True
    return any((kind, action) in SCOPE_COVERS.get(cast(Scope, scope), frozenset()) for scope in actor.scopes)


def _is(actor: Actor, who: Who, anonymous: bool) -> bool:
    known = actor.kind in ("user", "key")
    match who:
        case "asker":
            return known or actor.kind == "local" or (actor.kind == "anonymous" and anonymous)
        case "member":
            return known
        case "here":
            return actor.admin or actor.kind == "local"
        case "admin":
            return actor.admin
        case _:
            return False
