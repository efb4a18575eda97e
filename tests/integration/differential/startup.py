"""Logins that are wrong or odd: the proxy answers these itself, so the SQLSTATE must be PostgreSQL's."""

from __future__ import annotations

import struct

from support import protocol as p
from support.pg import DATABASE, MD5_USER, SCRAM_USER, TRUST_USER

from .scenario import Errors, scenario
from .stage import Stage

_GOOD = {"user": TRUST_USER, "database": DATABASE}


def _raw(stage: Stage, *data: bytes) -> None:
    """Bytes on a fresh connection, then everything until the other side closes."""
    client = stage.raw()
    client.send(*data)
    client.until_closed()


@scenario()
def login_without_a_password(stage: Stage) -> None:
    stage.client()


@scenario(authentication="ScramSha256")
def login_with_scram(stage: Stage) -> None:
    stage.client(user=SCRAM_USER).run("select 1")


@scenario(authentication="MD5")
def login_with_md5(stage: Stage) -> None:
    stage.client(user=MD5_USER).run("select 1")


@scenario(Errors.WHOLE)
def length_of_zero(stage: Stage) -> None:
    _raw(stage, struct.pack("!ii", 0, p.PROTOCOL_3_0))


@scenario(Errors.WHOLE)
def length_of_seven(stage: Stage) -> None:
    _raw(stage, struct.pack("!i", 7) + b"abc")


@scenario(Errors.WHOLE)
def negative_length(stage: Stage) -> None:
    _raw(stage, struct.pack("!ii", -1, p.PROTOCOL_3_0))


@scenario(Errors.WHOLE)
def length_of_a_megabyte(stage: Stage) -> None:
    _raw(stage, struct.pack("!ii", 1_000_000, p.PROTOCOL_3_0) + b"user\0x\0")


@scenario()
def terminate_before_any_startup_packet(stage: Stage) -> None:
    """An answer ends node-postgres' process."""
    _raw(stage, p.terminate())


@scenario()
def terminate_after_a_refused_ssl_request(stage: Stage) -> None:
    client = stage.raw()
    client.send(p.ssl_request())
    client.socket.recv(1)
    client.send(p.terminate())
    client.until_closed()


@scenario()
def http_request(stage: Stage) -> None:
    _raw(stage, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


@scenario()
def cancel_request_without_a_key(stage: Stage) -> None:
    _raw(stage, p.untyped(p.CANCEL_REQUEST_CODE, struct.pack("!i", 1)))


@scenario(session_state=True)
def process_id_is_the_backends(stage: Stage) -> None:
    """In BackendKeyData, in pg_stat_activity and in notifications."""
    client = stage.client()
    client.run(f"select pg_backend_pid() = {client.process_id}")
    other = stage.client("b")
    other.run("listen news")
    client.run("notify news")
    other.send(p.query("select 1"))
    told = [reply.body[:4] for reply in other.until_ready() if reply.kind == "A"]
    stage.say("b", str(told == [struct.pack("!i", client.process_id)]))


@scenario(Errors.TEXT)
def long_names_are_cut(stage: Stage) -> None:
    """63 bytes of a database's name count, as of a user's: the message shows what was looked for."""
    _raw(stage, p.startup({"user": TRUST_USER, "database": "d" * 100}))


@scenario()
def protocol_two(stage: Stage) -> None:
    """Refused in the form of that protocol: an E and a text without a length."""
    client = stage.raw()
    client.send(p.startup(_GOOD, version=2 << 16))
    stage.say("a", repr(client.socket.recv(1)))


@scenario(Errors.CODE)
def protocol_four(stage: Stage) -> None:
    _raw(stage, p.startup(_GOOD, version=4 << 16))


@scenario(Errors.CODE)
def missing_terminator(stage: Stage) -> None:
    _raw(stage, p.untyped(p.PROTOCOL_3_0, b"user\0trusted\0database\0app\0"))


@scenario(Errors.CODE)
def bytes_behind_the_terminator(stage: Stage) -> None:
    _raw(stage, p.untyped(p.PROTOCOL_3_0, b"user\0trusted\0database\0app\0\0more"))


@scenario(Errors.CODE)
def name_without_value(stage: Stage) -> None:
    _raw(stage, p.untyped(p.PROTOCOL_3_0, b"user\0trusted\0database"))


@scenario(Errors.CODE)
def no_user(stage: Stage) -> None:
    _raw(stage, p.startup({"database": DATABASE}))


@scenario(Errors.CODE)
def empty_user(stage: Stage) -> None:
    _raw(stage, p.startup({"user": "", "database": DATABASE}))


@scenario(Errors.TEXT)
def unknown_database(stage: Stage) -> None:
    _raw(stage, p.startup({"user": TRUST_USER, "database": "nowhere"}))


@scenario(Errors.CODE, authentication="ScramSha256")
def unknown_user_is_asked_for_a_password_and_refused(stage: Stage) -> None:
    client = stage.raw()
    try:
        client.log_in("nobody", DATABASE, "guess")
    except Exception:  # the refusal is in the transcript
        client.until_closed()


@scenario(Errors.CODE, authentication="ScramSha256")
def wrong_scram_password(stage: Stage) -> None:
    client = stage.raw()
    try:
        client.log_in(SCRAM_USER, DATABASE, "wrong")
    except Exception:  # the refusal is in the transcript
        client.until_closed()


@scenario(Errors.CODE, authentication="MD5")
def wrong_md5_password(stage: Stage) -> None:
    client = stage.raw()
    try:
        client.log_in(MD5_USER, DATABASE, "wrong")
    except Exception:  # the refusal is in the transcript
        client.until_closed()


@scenario(Errors.CODE, authentication="ScramSha256")
def query_in_place_of_the_password(stage: Stage) -> None:
    client = stage.raw()
    client.send(p.startup({"user": SCRAM_USER, "database": DATABASE}))
    client.until("R")
    client.send(p.query("select 1"))
    client.until_closed()


@scenario(Errors.CODE, authentication="ScramSha256")
def unknown_sasl_mechanism(stage: Stage) -> None:
    client = stage.raw()
    client.send(p.startup({"user": SCRAM_USER, "database": DATABASE}))
    client.until("R")
    client.send(p.message("p", p.text("SCRAM-MD5") + struct.pack("!i", -1)))
    client.until_closed()


@scenario(Errors.CODE, authentication="ScramSha256")
def scram_nonsense(stage: Stage) -> None:
    client = stage.raw()
    client.send(p.startup({"user": SCRAM_USER, "database": DATABASE}))
    client.until("R")
    client.send(p.message("p", p.text("SCRAM-SHA-256") + struct.pack("!i", 5) + b"x=y,z"))
    client.until_closed()


@scenario(Errors.CODE, authentication="ScramSha256")
def scram_with_another_nonce(stage: Stage) -> None:
    client = stage.raw()
    client.send(p.startup({"user": SCRAM_USER, "database": DATABASE}))
    client.until("R")
    client.send(p.message("p", p.text("SCRAM-SHA-256") + struct.pack("!i", 12) + b"n,,n=,r=abcd"))
    client.until("R")
    client.send(p.message("p", b"c=biws,r=somethingelse,p=" + b"A" * 43 + b"="))
    client.until_closed()


@scenario(Errors.WHOLE, authentication="MD5")
def password_message_too_long(stage: Stage) -> None:
    client = stage.raw()
    client.send(p.startup({"user": MD5_USER, "database": DATABASE}))
    client.until("R")
    client.send(b"p" + struct.pack("!i", 1_000_000_000))
    client.until_closed()


@scenario()
def tls_is_refused_then_plain_login(stage: Stage) -> None:
    client = stage.raw()
    client.send(p.ssl_request())
    stage.say("a", repr(client.socket.recv(1)))
    client.log_in(TRUST_USER, DATABASE)


@scenario(Errors.CODE)
def tls_asked_for_twice(stage: Stage) -> None:
    client = stage.raw()
    client.send(p.ssl_request())
    stage.say("a", repr(client.socket.recv(1)))
    client.send(p.ssl_request())
    client.until_closed()


@scenario()
def newer_minor_version_and_unknown_protocol_option(stage: Stage) -> None:
    client = stage.raw()
    client.send(p.startup({**_GOOD, "_pq_.unheard_of": "1"}, version=p.PROTOCOL_3_0 + 9999))
    client.authenticate(TRUST_USER, "")
    client.run("select 1")


@scenario(Errors.CODE)
def unknown_startup_parameter(stage: Stage) -> None:
    _raw(stage, p.startup({**_GOOD, "no_such_parameter": "1"}))


@scenario(Errors.CODE)
def wrong_value_of_a_startup_parameter(stage: Stage) -> None:
    _raw(stage, p.startup({**_GOOD, "TimeZone": "Nowhere/Town"}))


@scenario()
def cancel_with_an_unknown_key(stage: Stage) -> None:
    _raw(stage, p.cancel_request(1, b"abcd"))


@scenario()
def terminate_as_the_first_typed_message(stage: Stage) -> None:
    client = stage.client()
    client.send(p.terminate())
    client.until_closed()


@scenario(authentication="ScramSha256")
def terminate_in_place_of_the_password(stage: Stage) -> None:
    client = stage.raw()
    client.send(p.startup({"user": SCRAM_USER, "database": DATABASE}))
    client.until("R")
    client.close()


@scenario()
def half_closed_after_the_query(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("select 1"))
    client.until_ready()
    client.socket.shutdown(1)
    client.until_closed()
