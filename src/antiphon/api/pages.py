"""The few pages that the server draws itself: its front page, the set-up of the first administrator, and the reader page of a document.

Rules: everything that comes from people or documents is escaped; no script but our own files, no style but our own sheet, no other host.
The set-up secret travels in the fragment of the address, which no log and no proxy sees. Pages speak the browser's language.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from antiphon.accounts import store as accounts
from antiphon.api.http import head_of
from antiphon.api.identify import own_origins
from antiphon.api.management import Asker, Given, open_to_all
from antiphon.api.page_texts import TEXTS, preferred
from antiphon.api.reading import article
from antiphon.core.errors import NotFound
from antiphon.core.language import Language, detect
from antiphon.permissions.readable import readable
from antiphon.retrieval import store as documents

router = APIRouter(include_in_schema=False)

CSP: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_STATIC: Final = {"page.css": "text/css; charset=utf-8", "setup.js": "text/javascript; charset=utf-8", "mark.svg": "image/svg+xml"}
_MARK: Final = (
    '<svg viewBox="0 0 40 28" aria-hidden="true"><path d="M0 5h40M0 11h40M0 17h40M0 23h40" stroke="currentColor" stroke-width="1.2"/>'
    '<path d="m10 13 4 4-4 4-4-4zM20 7l4 4-4 4-4-4zM30 10l4 4-4 4-4-4z" fill="var(--rubric)"/></svg>'
)


def language_of(request: Request) -> Language:
    return preferred(head_of(request.scope).headers.get("accept-language", ""))


Speaks = Annotated[Language, Depends(language_of)]


def page(title: str, body: str, root: str, *, script: str | None = None, language: Language = "en", status: int = 200) -> Response:
    """A whole page. title is text, body is ready HTML."""
    tag = f'<script src="{root}/static/{script}" defer></script>' if script else ""
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f'<link rel="icon" href="{root}/static/mark.svg"><link rel="stylesheet" href="{root}/static/page.css">{tag}</head>'
        f'<body><header><a href="{root}/">{_MARK}<span>Antiphon</span></a></header><main>{body}</main></body></html>'
    )
    headers = {
        "Content-Security-Policy": CSP,
        "Cache-Control": "no-store",
        "Content-Language": language,
        "Vary": "Accept-Language",
        "X-Frame-Options": "DENY",
    }
    return Response(html, status, media_type="text/html", headers=headers)


@router.get("/static/{name}", dependencies=[open_to_all()])
async def static(name: str) -> Response:
    if name not in _STATIC:
        raise NotFound("There is nothing at this address.")
    body = files("antiphon.api").joinpath("static", name).read_bytes()
    return Response(body, headers={"Content-Type": _STATIC[name], "Cache-Control": "public, max-age=300"})


@router.get("/", dependencies=[open_to_all()])
async def home(services: Given, request: Request, language: Speaks) -> Response:
    """What this is, and the first steps; the first of them only while nobody has taken it."""
    root, say = services.options.root_path, TEXTS[language]
    origin = min(own_origins(services.options, request.scope, head_of(request.scope)))
    key = "  -H 'Authorization: Bearer sk-...' \\\n" if services.options.public_url else ""
    program = (
        f"curl {origin}{root}/v1/chat/completions \\\n{key}  -H 'Content-Type: application/json' \\\n"
        f'  -d \'{{"model": "antiphon", "messages": [{{"role": "user", "content": "{say.question}"}}]}}\''
    )
    steps = [
        (say.documents, _command("antiphon ingest ./docs --collection docs")),
        (say.ask, _command(f'antiphon ask "{say.question}"')),
        (say.program, _command(program)),
    ]
    if not await services.db.read(accounts.has_admin):
        steps.insert(0, (say.admin, f"<p>{say.admin_how}</p>"))
    shown = "".join(f"<li><h2>{title}</h2>{body}</li>" for title, body in steps)
    links = f'<p class="note"><a href="{root}/docs">{say.routes}</a></p>'
    return page("Antiphon", f'<h1>{say.running}</h1><p>{say.what}</p><ol class="steps">{shown}</ol>{links}', root, language=language)


@router.get("/setup", dependencies=[open_to_all()])
async def set_up(services: Given, language: Speaks) -> Response:
    root, say = services.options.root_path, TEXTS[language]
    if await services.db.read(accounts.has_admin):
        over = f"<h1>{say.setup_over}</h1><p>{say.setup_over_how}</p>{_command('antiphon user passwd NAME')}"
        return page(say.setup_over, over, root, language=language)
    problems = msgspec.json.encode(say.problems).decode()
    first = _command(f'antiphon ingest ./docs --collection docs\nantiphon ask "{say.question}"\nantiphon keys create --user NAME laptop')
    body = (
        f'<form data-action="{root}/api/setup" data-problems="{escape(problems)}" data-no-link="{say.no_link}" '
        f'data-no-answer="{say.no_answer}"><h1>{say.setup}</h1><p class="note">{say.setup_note}</p>'
        f'<label>{say.name}<input name="name" autocomplete="username" maxlength="100" required autofocus></label>'
        f'<label>{say.email}<input name="email" type="email" autocomplete="email"></label>'
        f'<label>{say.password}<input name="password" type="password" autocomplete="new-password" minlength="8" required></label>'
        f'<button>{say.create}</button><p role="alert"></p></form>'
        f'<section id="next" hidden><h1 tabindex="-1">{say.welcome}</h1><p>{say.next}</p>{first}</section>'
    )
    return page(say.setup, body, root, script="setup.js", language=language)


@router.get("/documents/{id}", dependencies=[open_to_all()])
async def read_document(id: str, services: Given, reader: Asker, language: Speaks, start: int = -1, end: int = -1) -> Response:
    """A document as it was extracted, opened at the quoted range."""
    root, say = services.options.root_path, TEXTS[language]
    try:
        found = await services.db.read(documents.read_document, id, readable(reader, "collection"))
    except NotFound:
        return page(say.missing, f"<h1>{say.missing}</h1><p>{say.missing_how}</p>", root, language=language, status=404)
    text: str = found["text"] or ""
    title = found["title"] or found["source"]
    source = escape(found["source"])
    if (found["url"] or "").startswith(("https://", "http://")):
        source += f' · <a href="{escape(found["url"])}" rel="noopener noreferrer">{say.original}</a>'
    shown = article(_below_title(text, title), found["media_type"], start, end)
    body = f'<h1>{escape(title)}</h1><p class="note">{source}</p><article lang="{detect(text[:2_000])}">{shown}</article>'
    return page(title, body, root, language=language)


def _below_title(text: str, title: str) -> str:
    """The page's own heading says the title already: blank the same heading at the top, keeping every character's place."""
    heading = f"# {title}\n"
    return " " * (len(heading) - 1) + "\n" + text[len(heading) :] if text.startswith(heading) else text


def _command(text: str) -> str:
    return f'<pre class="command">{escape(text)}</pre>'
