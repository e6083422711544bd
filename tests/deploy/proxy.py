"""A real nginx, unprivileged, with a configuration from the documentation; only ports, names and certificates are changed."""

from __future__ import annotations

import datetime
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.docs.markdown import DOCS, Block, blocks
from tests.support.upstream import closed_port

HOST = "chat.example.org"
START_SECONDS = 20.0
FRAME = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{site}
}}
"""
PLAIN = """
server {{
    listen 80;
    location / {{
        proxy_pass http://127.0.0.1:8000;
        {more}
    }}
}}
"""


def documented(number: int) -> str:
    """The nginx configurations of docs/nginx.md in their order: a host of its own, a path."""
    found: list[Block] = blocks(DOCS / "nginx.md", "nginx")
    return found[number].text


def unprepared(more: str = "") -> str:
    """What people write before they read the documentation."""
    return PLAIN.format(more=more)


class Nginx:
    """site: a `server` block that passes to 127.0.0.1:8000. backend: the port that really answers."""

    def __init__(self, folder: Path, site: str, backend: int) -> None:
        self.port = closed_port()
        self.secure = "ssl" in site
        self.certificate = folder / "certificate.pem"
        self._folder = folder
        folder.mkdir()
        key = _certify(self.certificate)
        site = re.sub(r"listen \d+", f"listen 127.0.0.1:{self.port}", site).replace("127.0.0.1:8000", f"127.0.0.1:{backend}")
        site = re.sub(r"(ssl_certificate +)[^;]+", rf"\g<1>{self.certificate}", site)
        site = re.sub(r"(ssl_certificate_key +)[^;]+", rf"\g<1>{key}", site)
        self._config = folder / "nginx.conf"
        self._config.write_text(FRAME.format(folder=folder, site=site), encoding="utf-8")

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self._process = subprocess.Popen([program, "-p", str(self._folder), "-c", str(self._config), "-e", str(self._folder / "error.log")])
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                log = self._folder / "error.log"
                assert self._process.poll() is None and time.monotonic() < deadline, log.read_text() if log.exists() else "no log"  # noqa: PT018
                time.sleep(0.02)
            else:
                return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(20)


def _certify(path: Path) -> Path:
    """A certificate for 127.0.0.1 that vouches for itself; returns the path of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    path.write_bytes(
        builder.not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    secret = path.with_name("key.pem")
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    secret.chmod(0o600)
    return secret
