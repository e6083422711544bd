"""`python -m tests.docs`: writes docs/reference/ and the README's picture anew."""

from tests.docs.markdown import DOCS
from tests.docs.picture import PICTURE, drawn, transcript
from tests.docs.reference import PAGES

for name, page in PAGES.items():
    (DOCS / "reference" / name).write_text(page(), encoding="utf-8")
PICTURE.write_text(drawn(transcript()), encoding="utf-8")
