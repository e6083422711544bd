"""What starting the server must not load: libraries that read documents, work on vectors, migrate or draw, which cost memory all day."""

import subprocess
import sys

UNNEEDED = {
    *("alembic", "docutils", "docx", "limits", "lxml", "mako", "numpy", "onnx", "onnxruntime", "openpyxl", "pypdfium2", "redis"),
    *("rich.progress", "semantic_text_splitter", "tokenizers", "yaml"),
}


def test_the_server_starts_without_what_it_may_never_need() -> None:
    program = "import sys, antiphon.cli.serve; print('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    loaded = set(run.stdout.split())
    assert "antiphon.app" in loaded
    assert loaded & UNNEEDED == set()
