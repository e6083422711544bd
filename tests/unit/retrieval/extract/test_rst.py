from pathlib import Path

import pytest

from antiphon.retrieval.extract.dispatch import extract
from antiphon.retrieval.extract.document import Unreadable

PAGE = """
Loans
=====

Borrow :ref:`tools <tool-list>` with ``card`` or :class:`~shop.Card`, see |name|.

.. |name| replace:: the desk

.. toctree::
   :maxdepth: 2

   hidden-page

Returning
---------

* by hand
* by post

  - in a box

.. note:: Late returns cost money.

.. versionadded:: 2.1
   Now by drone.

.. code-block:: sh
   :linenos:

   ./return --all

==== =====
Tool Price
==== =====
Saw  2 EUR
==== =====
"""


def test_it_becomes_markdown() -> None:
    page = extract(PAGE.encode(), name="loans.rst")
    assert page.title == "Loans"
    assert page.text.startswith(
        "# Loans\n\nBorrow tools with `card` or shop.Card, see the desk.\n\n## Returning\n\n- by hand\n- by post\n  - in a box"
    )
    assert "hidden-page" not in page.text
    assert "Late returns cost money." in page.text
    assert "2.1" in page.text
    assert "Now by drone." in page.text
    assert "```\n./return --all\n```" in page.text
    assert "| Tool | Price |\n| --- | --- |\n| Saw | 2 EUR |" in page.text
    assert [section.path for section in page.sections] == [("Loans",), ("Loans", "Returning")]


@pytest.mark.parametrize(
    "directive",
    [
        ".. include:: {path}",
        ".. literalinclude:: {path}",
        ".. raw:: html\n   :file: {path}",
        ".. csv-table::\n   :file: {path}",
        ".. code-block:: text\n   :file: {path}\n\n   x",
        ".. figure:: {path}",
    ],
)
def test_no_directive_reads_a_file(directive: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("topsecret,words")
    page = extract(f"Text\n\n{directive.format(path=secret)}\n".encode(), name="x.rst")
    assert "topsecret" not in page.text
    assert page.text.startswith("Text")


def test_odd_markup_still_gives_its_text() -> None:
    page = extract(b"Title\n==\n\nBroken *emphasis and `role\n\n  odd\n indent\n\n.. weird::name\n", name="x.rst")
    assert "Broken" in page.text


def test_an_empty_page_is_named_so() -> None:
    with pytest.raises(Unreadable) as raised:
        extract(b".. only a comment\n", name="x.rst")
    assert raised.value.reason == "empty"
