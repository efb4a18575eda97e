"""Certificates for localhost, made by the openssl program: a CA, and server certificates signed by it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


class Authority:
    """A CA in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        self._folder = folder
        self.certificate = folder / "ca.crt"
        self._key = folder / "ca.key"
        _openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=Test CA", "-keyout", str(self._key), "-out", str(self.certificate),
        )

    def issue(self, name: str, host: str = "localhost", owner: str | None = None) -> Pair:
        """A server certificate for the host and 127.0.0.1. `owner` gets the key, as PostgreSQL insists."""
        pair = Pair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        request, extension = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        extension.write_text(f"subjectAltName=DNS:{host},IP:127.0.0.1\n", encoding="ascii")
        _openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={host}",
            "-keyout", str(pair.key), "-out", str(request),
        )
        _openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self._key),
            "-CAcreateserial", "-days", "2", "-extfile", str(extension), "-out", str(pair.certificate),
        )
        pair.key.chmod(0o600)
        if owner is not None and os.geteuid() == 0:
            subprocess.run(["chown", owner, str(pair.key), str(pair.certificate)], check=True)
        return pair


def serial(path: Path) -> str:
    """The serial number of a certificate, to tell two of them apart."""
    shown = subprocess.run(
        ["openssl", "x509", "-in", str(path), "-noout", "-serial"], check=True, capture_output=True, text=True
    )
    return shown.stdout.strip().removeprefix("serial=")
