"""The few pages that the server draws itself: its front page, the set-up of the first administrator, and the reader page of a document.

Rules: everything that comes from people or documents is escaped; no script but our own files, no style but our own sheet, no other host.
The set-up secret travels in the fragment of the address, which no log and no proxy sees.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Response

from antiphon.api.management import Asker, Given, needs
from antiphon.permissions.readable import readable
from antiphon.retrieval import store as documents

router = APIRouter(include_in_schema=False)

CSP: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_STATIC: Final = {"page.css": "text/css; charset=utf-8", "setup.js": "text/javascript; charset=utf-8"}
_MARK: Final = (
    '<svg viewBox="0 0 40 28" aria-hidden="true"><g stroke="currentColor" stroke-width="1.2"><path d="M0 5h40M0 11h40M0 17h40M0 23h40"/></g>'
    '<g fill="var(--rubric)"><rect x="7" y="14" width="6" height="6"/><rect x="17" y="8" width="6" height="6"/>'
    '<rect x="27" y="11" width="6" height="6"/></g></svg>'
)


def page(title: str, body: str, root: str, *, script: str | None = None, language: str = "en") -> Response:
    """A whole page. title is text, body is ready HTML."""
    tag = f'<script src="{root}/static/{script}" defer></script>' if script else ""
    html = (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f'<link rel="stylesheet" href="{root}/static/page.css">{tag}</head>'
        f"<body><main><header>{_MARK}<span>Antiphon</span></header>{body}</main></body></html>"
    )
    headers = {"Content-Security-Policy": CSP, "Cache-Control": "no-store", "X-Frame-Options": "DENY"}
    return Response(html, media_type="text/html", headers=headers)


@router.get("/static/{name}", dependencies=[needs("ask", "site")])
async def static(name: str) -> Response:
    if name not in _STATIC:
        return Response(status_code=404)
    body = files("antiphon.api").joinpath("static", name).read_bytes()
    return Response(body, headers={"Content-Type": _STATIC[name], "Cache-Control": "public, max-age=3600"})


@router.get("/", dependencies=[needs("ask", "site")])
async def home(services: Given) -> Response:
    root = services.options.root_path
    body = (
        "<h1>Antiphon is running</h1>"
        "<p>Ask it from a terminal, or through any of its streaming APIs.</p>"
        '<pre class="command">antiphon ingest ./docs --collection docs\nantiphon ask "How do I ...?"</pre>'
        f'<p class="note">API: <code>{root}/v1/chat/completions</code>. '
        f'Administrators find every route under <a href="{root}/docs">docs</a>.</p>'
    )
    return page("Antiphon", body, root)


@router.get("/setup", dependencies=[needs("ask", "site")])
async def set_up(services: Given) -> Response:
    root = services.options.root_path
    body = (
        "<h1>Become the administrator</h1>"
        '<p class="note">This page works once, with the link that the server printed when it started.</p>'
        f'<form data-action="{root}/api/setup"><label>Name<input name="name" autocomplete="username" required autofocus></label>'
        '<label>E-mail (optional)<input name="email" type="email" autocomplete="email"></label>'
        '<label>Password (8 characters or more)<input name="password" type="password" autocomplete="new-password" minlength="8" required></label>'
        '<button>Create administrator</button><p role="alert"></p></form>'
        '<section id="next" hidden><h1 tabindex="-1">Welcome</h1><p>You are the administrator and signed in. Next, in a terminal:</p>'
        '<pre class="command">antiphon ingest ./docs --collection docs\nantiphon ask "How do I ...?"\n'
        "antiphon keys create --user you laptop</pre></section>"
    )
    return page("Set up Antiphon", body, root, script="setup.js")


@router.get("/documents/{id}", dependencies=[needs("ask", "site")])
async def read_document(id: str, services: Given, actor: Asker, start: int = -1, end: int = -1) -> Response:
    """A document as it was extracted, opened at the quoted range."""
    found = await services.db.read(documents.read_document, id, readable(actor, "collection"))
    text: str = found["text"]
    title = found["title"] or found["source"]
    source = f'<p class="note">{escape(found["source"])}</p>'
    return page(title, f"<h1>{escape(title)}</h1>{source}<article>{_marked(text, start, end)}</article>", services.options.root_path)


def _marked(text: str, start: int, end: int) -> str:
    if not 0 <= start < end <= len(text):
        return escape(text)
    return f'{escape(text[:start])}<mark id="quote">{escape(text[start:end])}</mark>{escape(text[end:])}'
