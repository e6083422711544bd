"""Every verb on a directory with a server, and the usual ones on a directory without: they do the same."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal

PASSWORD = "correct horse battery"


def test_users(live: Terminal) -> None:
    assert "No users yet" in live.good("user", "list")
    assert "Added member anna" in live.good("user", "add", "anna", "--email", "anna@example.org", "--password", "-", typed=PASSWORD)
    assert "Added admin root" in live.good("user", "add", "root", "--admin", "--password", PASSWORD)
    assert "exists already" in live.bad("user", "add", "Anna", "--password", PASSWORD)
    assert "8 to" in live.bad("user", "add", "bert", "--password", "short")
    assert "suspended" in live.good("user", "suspend", "anna@example.org")
    assert "active" in live.good("user", "resume", "ANNA")
    assert "admin" in live.good("user", "role", "anna", "admin")
    assert "member" in live.good("user", "role", "anna", "member")
    assert "Changed anna" in live.good("user", "passwd", "anna", "--password", "-", typed="another long password\n")
    assert "no user nobody" in live.bad("user", "suspend", "nobody")
    assert "only administrator" in live.bad("user", "role", "root", "member")
    users = json.loads(live.good("user", "list", "--json"))
    assert {one["name"] for one in users} == {"anna", "root"}
    keys(live)
    assert live.run("user", "delete", "anna", typed="n\n").code == 1
    assert "Deleted anna" in live.good("user", "delete", "anna", "--yes")


def keys(terminal: Terminal) -> None:
    made = terminal.run("keys", "create", "laptop", "--user", "anna", "--scope", "chat", "--days", "30")
    key = made.out.strip()
    assert (made.code, key.startswith("sk-"), key in made.err) == (0, True, False)
    found = json.loads(terminal.good("keys", "list", "--json"))[0]
    assert (found["name"], found["scopes"]) == ("laptop", ["chat"])
    assert 29 * 86_400_000 < found["expires_at"] - time.time() * 1000 <= 30 * 86_400_000
    shown = terminal.good("keys", "list")
    assert "laptop" in shown
    assert key not in shown
    assert "Revoked" in terminal.good("keys", "revoke", found["id"])
    assert "no such key" in terminal.bad("keys", "revoke", "key_none")
    assert "no user nobody" in terminal.bad("keys", "create", "--user", "nobody")


def test_models(live: Terminal) -> None:
    add = ("models", "add")
    assert "Added" in live.good(*add, "near", "--base-url", "http://127.0.0.1:9/v1", "--api-key", "-", typed="sk-near\n")
    assert "Added" in live.good(*add, "environment", "--base-url", "http://127.0.0.1:9", "--api-key-env", "NEAR_KEY", "--for", "public")
    assert "antiphon: " in live.bad(*add, "near", "--base-url", "http://127.0.0.1:9")
    assert "antiphon: " in live.bad(*add, "other", "--base-url", "ftp://127.0.0.1")
    both = ("--api-key", "sk-x", "--api-key-env", "NEAR_KEY")
    assert "not both" in live.bad(*add, "other", "--base-url", "http://127.0.0.1:9", *both)
    shown = live.good("models", "list")
    assert "near" in shown
    assert "sk-near" not in shown
    assert {one["id"] for one in json.loads(live.good("models", "list", "--json"))} >= {"antiphon", "quote", "echo", "near"}
    assert "Changed echo" in live.good("models", "set", "echo", "--for", "members")
    assert "what to change" in live.bad("models", "set", "echo")
    assert "Removed near" in live.good("models", "remove", "near")
    assert "antiphon: " in live.bad("models", "remove", "near")


def test_collections(live: Terminal) -> None:
    told = live.good(
        "collections",
        "set",
        "guide",
        "--public",
        "--origin",
        "https://docs.example.org",
        "--per-minute",
        "9",
        "--url-prefix",
        "https://x.org",
    )
    assert "Site guide: public, origins https://docs.example.org." in told
    assert "Collection guide: public, 0 passages." in told
    assert "not an origin" in live.bad("collections", "set", "guide", "--origin", "nonsense")
    listed = json.loads(live.good("collections", "list", "--json"))
    assert [(one["visibility"], one["url_prefix"]) for one in listed if one["name"] == "guide"] == [("public", "https://x.org")]
    assert "guide" in live.good("collections", "list")
    assert "Collection guide: private" in live.good("collections", "set", "guide", "--private")
    assert "No documents yet" in live.good("collections", "documents", "guide")
    assert "no collection" in live.bad("collections", "documents", "none")
    assert live.run("collections", "delete", "guide", typed="n\n").code == 1
    assert "Deleted guide" in live.good("collections", "delete", "guide", "--yes")
    assert "no collection" in live.bad("collections", "delete", "guide", "--yes")


def test_settings(live: Terminal, tmp_path: Path) -> None:
    assert "counts from now on" in live.good("config", "set", "limits.widget_per_minute", "7")
    assert "after a restart" in live.good("config", "set", "server.root_path", "/below")
    live.good("config", "unset", "server.root_path")
    shown = {one["name"]: one for one in json.loads(live.good("config", "show", "--json"))}
    assert (shown["limits.widget_per_minute"]["value"], shown["limits.widget_per_minute"]["origin"]["layer"]) == (7, "database")
    lines = live.good("config", "show", "--origin").split("\n")
    assert any(line.split()[:3] == ["limits.widget_per_minute", "7", "database"] for line in lines)
    assert any(line.split()[:2] == ["limits.body_bytes", "8388608"] and "default" in line for line in lines)
    live.good("config", "unset", "limits.widget_per_minute")
    assert any(line.split() == ["limits.widget_per_minute", "5"] for line in live.good("config", "show").split("\n"))
    assert "no setting" in live.bad("config", "set", "limits.nonsense", "7").lower()
    assert "limits.widget_per_minute" in live.bad("config", "set", "limits.widget_per_minute", "many")
    assert "antiphon: " in live.bad("config", "set", "server.port", "9")


def test_settings_of_flags_and_environment_count_more(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "data")
    done = terminal.run("config", "set", "limits.widget_per_minute", "7", ANTIPHON_WIDGET_PER_MINUTE="9")
    assert (done.code, "ANTIPHON_WIDGET_PER_MINUTE" in done.out) == (0, True)
    wrong = terminal.run("config", "show", ANTIPHON_WIDGET_PER_MINUTE="many")
    assert (wrong.code, "Traceback" in wrong.err) == (1, False)
    assert "ANTIPHON_WIDGET_PER_MINUTE" in wrong.err


def test_asking(live: Terminal, papers: Path) -> None:
    live.good("ingest", str(papers), "--collection", "asked")
    answer = live.good("ask", "Where", "does", "the", "cellar", "key", "hang?")
    assert "behind the stove" in answer
    assert "[1] The cellar" in answer
    assert "/documents/doc_" in answer
    assert live.good("ask", "--model", "echo", "/echo size=1 Hello there").strip() == "Hello there"
    assert "none" in live.bad("ask", "--model", "none", "Hello")
    assert "antiphon: " in live.bad("ask", " ")
    broken = live.run("ask", "--model", "echo", "/echo fault=cut@2 size=3 Hello there")
    assert (broken.code, broken.out.startswith("Hello "), "antiphon: " in broken.err) == (1, True, True)


@pytest.mark.parametrize("language", ["zh", "vi"])
def test_asking_in_other_scripts(live: Terminal, language: str) -> None:
    text = {"zh": "你好，世界", "vi": "Xin chào thế giới"}[language]
    assert live.good("ask", "--model", "echo", text).strip() == text


def test_the_usual_verbs_without_a_server(tmp_path: Path, papers: Path) -> None:
    terminal = Terminal(tmp_path / "data")
    assert "Added member anna" in terminal.good("user", "add", "anna", "--password", PASSWORD)
    assert terminal.good("keys", "create", "--user", "anna").startswith("sk-")
    assert "exists already" in terminal.bad("user", "add", "anna", "--password", PASSWORD)
    assert "2 documents taken in" in terminal.good("ingest", str(papers))
    assert "Collection docs: public" in terminal.good("collections", "set", "docs", "--public")
    assert "behind the stove" in terminal.good("ask", "Where does the cellar key hang?")
    assert not (terminal.data / "server.json").exists()
