"""Asks a running server the questions of this folder and counts which answers cite the right page first.

usage: ask_questions.py URL TOKEN [NAME ...]        NAME: openeuler_en, openeuler_zh, openeuler_foreign

The documents must have been ingested as one folder; a page is right when the first citation's source ends with its path. A foreign question
counts as answered when the answer cites anything. Prints every miss, then the sums.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx2 as httpx

HERE = Path(__file__).parent


def questions(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text(encoding="utf-8").split("\n") if line.strip()]


def cited(client: httpx.Client, question: str) -> list[str]:
    """Sources that the answer cites, in order."""
    body = {"model": "antiphon", "messages": [{"role": "user", "content": question}]}
    response = client.post("/v1/chat/completions", json=body)
    response.raise_for_status()
    return [citation["source"] for citation in response.json().get("citations", [])]


def right(sources: list[str], asked: dict[str, Any]) -> bool:
    if asked["page"] is None:
        return not sources
    pages = [asked["page"], *asked.get("also", [])]
    return bool(sources) and any(sources[0].endswith(page) for page in pages)


def main(url: str, token: str, *names: str) -> None:
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False) as client:
        for name in names or ("openeuler_en", "openeuler_zh", "openeuler_foreign"):
            asked = questions(name)
            good = 0
            for item in asked:
                sources = cited(client, item["question"])
                if right(sources, item):
                    good += 1
                else:
                    print(f"{item['id']}: {item['question']}\n    wanted {item['page']}\n    got    {sources[:1]}")
            print(f"{name}: {good} of {len(asked)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
