"""State of a session that PostgreSQL does not report, in the transaction that makes it; what strangers get of it."""

from __future__ import annotations

from support import protocol as p

from .extended import batch
from .scenario import Errors, scenario
from .stage import Player, Stage


def _play(client: Player, *texts: str | bytes) -> None:
    for text in texts:
        client.send(p.query(text))
        client.until_ready()


def _before_a_stranger(stage: Stage, *texts: str) -> None:
    """One client leaves state behind (nobody looks at its replies), then another looks around."""
    with_state = stage.client("leaves")
    _play(with_state, *texts)
    with_state.send(p.terminate())
    with_state.until_closed()


_LOOK_AROUND = (
    "select session_user, current_user", "show role", "show work_mem", "select current_setting('my.own', true) is distinct from 'x'",
    "select count(*) from pg_cursors where is_holdable", "select count(*) from pg_listening_channels()",
    "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()", "select to_regclass('left_behind') is null",
    "select lastval()", "show datestyle", "show timezone",
)


@scenario()
def role_does_not_reach_a_stranger(stage: Stage) -> None:
    _before_a_stranger(stage, "set role trusted", "set session authorization trusted", "begin; set role trusted; commit")
    _play(stage.client(), *_LOOK_AROUND)


@scenario()
def settings_do_not_reach_a_stranger(stage: Stage) -> None:
    _before_a_stranger(
        stage, "set work_mem to '7MB'", "select set_config('my.own', 'x', false)", "select 1; set my.own to 'x'",
        "begin; set timezone to 'Europe/Oslo'; set datestyle to 'German'; commit",
    )
    _play(stage.client(), *_LOOK_AROUND)


@scenario()
def settings_by_the_extended_protocol_do_not_reach_a_stranger(stage: Stage) -> None:
    client = stage.client("leaves")
    batch(client, p.parse("", "set work_mem to '7MB'"), p.bind(), p.execute())
    batch(client, p.parse("s", "set role trusted"), p.bind("p", "s"), p.execute("p"))
    batch(client, p.parse("", "select set_config('my.own', 'x', false)"), p.bind(), p.execute())
    client.send(p.terminate())
    client.until_closed()
    _play(stage.client(), *_LOOK_AROUND)


@scenario()
def cursors_locks_and_sequences_do_not_reach_a_stranger(stage: Stage) -> None:
    _before_a_stranger(
        stage, "begin; declare c cursor with hold for select 1; commit", "begin; declare d cursor for select 1; commit",
        "select pg_advisory_lock(1)", "select pg_try_advisory_lock_shared(2)", "create sequence scratch.s",
        "select nextval('scratch.s')",
    )
    _play(stage.client(), *_LOOK_AROUND)


@scenario()
def temporary_objects_do_not_reach_a_stranger(stage: Stage) -> None:
    _before_a_stranger(stage, "create temp table left_behind (a int)")
    _play(stage.client(), *_LOOK_AROUND)
    _before_a_stranger(stage, "select 1 as a into temp left_behind")
    _play(stage.client("b"), *_LOOK_AROUND)
    _before_a_stranger(stage, "do $$ begin create temporary table left_behind (a int); end $$")
    _play(stage.client("c"), *_LOOK_AROUND)


@scenario()
def set_local_in_every_transaction(stage: Stage) -> None:
    client = stage.client()
    for value in ("3MB", "4MB"):
        _play(client, f"begin; set local work_mem to '{value}'", "show work_mem", "commit", "show work_mem")
        batch(client, p.parse("", "begin"), p.bind(), p.execute(), p.parse("", f"set local work_mem to '{value}'"), p.bind(),
              p.execute(), p.parse("", "show work_mem"), p.bind(), p.execute(), p.parse("", "commit"), p.bind(), p.execute())


@scenario()
def statements_survive_the_cleaning(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("kept", "select 'kept'"))
    _play(client, "select pg_advisory_lock(7), pg_advisory_unlock(7)")
    batch(client, p.bind("", "kept"), p.execute())


@scenario(session_state=True)
def listen_in_pool_mode_session(stage: Stage) -> None:
    client = stage.client()
    _play(client, "listen news", "notify news, 'a'", "unlisten *", "notify news, 'b'")


@scenario(Errors.CODE)
def listen_in_a_failed_transaction(stage: Stage) -> None:
    client = stage.client()
    _play(client, "begin", "select 1/0", "listen news", "rollback")
