"""Several batches in flight: Syncs, errors, Flush, and mixtures with Query."""

from __future__ import annotations

from support import protocol as p

from .extended import batch
from .scenario import scenario
from .stage import Stage


def _select(text: str) -> list[bytes]:
    return [p.parse("", text), p.bind(), p.execute()]


@scenario()
def several_batches(stage: Stage) -> None:
    client = stage.client()
    client.send(*(m for i in range(10) for m in (*_select(f"select {i}"), p.sync())))
    client.until_ready(10)


@scenario()
def several_statements_before_one_sync(stage: Stage) -> None:
    batch(stage.client(), *(m for i in range(10) for m in _select(f"select {i}")))


@scenario()
def error_skips_to_its_own_sync_only(stage: Stage) -> None:
    client = stage.client()
    client.send(*_select("select 1"), *_select("select 1/0"), *_select("select 2"), p.sync(),
                *_select("select 3"), p.sync())
    client.until_ready(2)


@scenario()
def error_in_every_other_batch(stage: Stage) -> None:
    client = stage.client()
    client.send(*(m for i in range(20) for m in (*_select(f"select 1/{i % 2}"), p.sync())))
    client.until_ready(20)


@scenario()
def error_at_each_kind_of_message(stage: Stage) -> None:
    client = stage.client()
    rest = _select("select 'skipped'")
    for wrong in ([p.parse("", "selct")], [p.parse("", "select $1::int"), p.bind(values=["x"])],
                  [p.parse("", "select 1/0"), p.bind(), p.execute()], [p.describe_portal("none")],
                  [p.parse("", "select 1"), p.bind(), p.execute("none")]):
        batch(client, *_select("select 'before'"), *wrong, *rest)


@scenario()
def effects_before_the_error_are_undone(stage: Stage) -> None:
    client = stage.client()
    batch(client, *_select("create table scratch.t (a int)"))
    batch(client, *_select("insert into scratch.t values (1)"), *_select("select 1/0"))
    batch(client, *_select("select count(*) from scratch.t"))


@scenario()
def transaction_over_several_syncs(stage: Stage) -> None:
    client = stage.client()
    client.send(*(m for text in ("begin", "select 1", "commit", "select 2") for m in (*_select(text), p.sync())))
    client.until_ready(4)


@scenario()
def failed_transaction_over_several_syncs(stage: Stage) -> None:
    client = stage.client()
    texts = ("begin", "select 1/0", "select 1", "rollback", "select 2")
    client.send(*(m for text in texts for m in (*_select(text), p.sync())))
    client.until_ready(5)


@scenario()
def flush_brings_replies_without_ready_for_query(stage: Stage) -> None:
    client = stage.client()
    client.send(p.parse("s1", "select 1"), p.flush())
    client.until("1")
    client.send(p.describe_statement("s1"), p.flush())
    client.until("T")
    client.send(p.bind("", "s1"), p.execute(), p.flush())
    client.until("C")
    client.send(p.sync())
    client.until_ready()


@scenario()
def flush_alone_and_sync_alone(stage: Stage) -> None:
    client = stage.client()
    client.send(p.flush(), p.sync(), p.flush(), p.flush(), p.sync(), p.sync())
    client.until_ready(3)


@scenario()
def error_before_flush_then_more_then_sync(stage: Stage) -> None:
    client = stage.client()
    client.send(p.parse("", "selct"), p.flush())
    client.until("E")
    client.send(*_select("select 'skipped'"), p.flush())
    client.send(*_select("select 'skipped too'"))
    batch(client)
    batch(client, *_select("select 1"))


@scenario()
def query_inside_an_unsynced_batch(stage: Stage) -> None:
    client = stage.client()
    client.send(p.parse("s1", "select 1"), p.bind("", "s1"), p.execute(), p.query("select 2"), p.sync())
    client.until_ready(2)
    batch(client, p.bind("", "s1"), p.execute())


@scenario()
def query_skipped_by_an_error_in_the_batch_before_it(stage: Stage) -> None:
    client = stage.client()
    client.send(p.parse("", "selct"), p.query("select 'skipped'"), p.sync(), p.query("select 1"))
    client.until_ready(2)


@scenario()
def queries_and_batches_take_turns(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("select 1"), *_select("select 2"), p.sync(), p.query("select 3; select 1/0"),
                *_select("select 4"), p.sync(), p.query(""))
    client.until_ready(5)


@scenario()
def close_is_skipped_and_repeated(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("s1", "select 1"))
    batch(client, p.bind("", "s1"), p.execute(), p.execute("none"), p.close_statement("s1"))
    batch(client, p.bind("", "s1"), p.execute(), p.close_statement("s1"))


@scenario()
def terminate_behind_the_last_sync(stage: Stage) -> None:
    client = stage.client()
    client.send(*_select("select 1"), p.sync(), p.query("select 2"), p.terminate())
    client.until_closed()


@scenario()
def terminate_in_a_transaction(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("begin; create table scratch.t (a int)"), p.terminate())
    client.until_closed()
    other = stage.client("other")
    other.send(p.query("select count(*) from pg_class where relname = 't' and relnamespace = 'scratch'::regnamespace"))
    other.until_ready()


@scenario()
def terminate_without_sync(stage: Stage) -> None:
    client = stage.client()
    client.send(p.parse("", "select 1"), p.bind(), p.terminate())
    client.until_closed()


@scenario()
def hundreds_of_statements_in_one_send(stage: Stage) -> None:
    client = stage.client()
    client.send(p.parse("s1", "select $1::int"), p.sync(),
                *(m for i in range(500) for m in (p.bind("", "s1", [str(i)]), p.execute(), p.sync())))
    client.until_ready(501)


@scenario()
def large_results_in_a_pipeline(stage: Stage) -> None:
    client = stage.client()
    client.send(*(m for _ in range(5) for m in (*_select("select repeat('p', 500000)"), p.sync())))
    client.until_ready(5)


@scenario()
def parse_describe_sync_then_bind(stage: Stage) -> None:
    client = stage.client()
    for name in ("", "named"):
        client.send(p.parse(name, "select $1::text"), p.describe_statement(name), p.sync())
        client.until_ready()
        client.send(p.bind("", name, ["x"]), p.describe_portal(), p.execute(), p.close_portal(), p.sync())
        client.until_ready()


@scenario()
def implicit_transaction_control_in_a_batch(stage: Stage) -> None:
    client = stage.client()
    batch(client, *_select("select 1"), *_select("begin"), *_select("select 2"))
    batch(client, *_select("commit"), *_select("select 3"))
    batch(client, *_select("savepoint one"))
