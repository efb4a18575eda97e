"""Answers PostgreSQL's authentication requests: clear text, md5 and SCRAM-SHA-256."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import struct

from .protocol import message, text


class AuthenticationRefused(Exception):
    """The server's proof is wrong or it asks for a method that is not spoken here."""


def clear_answer(password: str) -> bytes:
    """PasswordMessage with the password itself."""
    return message("p", text(password))


def md5_answer(user: str, password: str, salt: bytes) -> bytes:
    """PasswordMessage for AuthenticationMD5Password."""
    inner = hashlib.md5((password + user).encode()).hexdigest()
    return message("p", text("md5" + hashlib.md5(inner.encode() + salt).hexdigest()))


class Scram:
    """The client's side of one SCRAM-SHA-256 exchange, without channel binding."""

    def __init__(self, password: str) -> None:
        self._password = password
        self._nonce = base64.b64encode(os.urandom(18)).decode()
        self._signature = b""

    def first(self) -> bytes:
        """SASLInitialResponse."""
        initial = f"n,,n=,r={self._nonce}".encode()
        return message("p", text("SCRAM-SHA-256") + struct.pack("!i", len(initial)) + initial)

    def final(self, challenge: bytes) -> bytes:
        """SASLResponse to the server's challenge."""
        given = dict(part.split("=", 1) for part in challenge.decode().split(","))
        if not given["r"].startswith(self._nonce):
            raise AuthenticationRefused("the server's nonce does not continue the client's")
        salted = hashlib.pbkdf2_hmac(
            "sha256", self._password.encode(), base64.b64decode(given["s"]), int(given["i"])
        )
        without_proof = f"c=biws,r={given['r']}"
        signed = f"n=,r={self._nonce},{challenge.decode()},{without_proof}".encode()
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        stored_key = hashlib.sha256(client_key).digest()
        proof = bytes(a ^ b for a, b in zip(client_key, hmac.digest(stored_key, signed, "sha256")))
        self._signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
        return message("p", f"{without_proof},p={base64.b64encode(proof).decode()}".encode())

    def check(self, outcome: bytes) -> None:
        """Raises unless the server proved that it knows the password too."""
        if outcome != b"v=" + base64.b64encode(self._signature):
            raise AuthenticationRefused("the server's signature is wrong")
