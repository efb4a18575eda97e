"""Reported parameters: they belong to the client, whichever server serves it."""

from __future__ import annotations

from support import protocol as p

from .extended import batch
from .scenario import scenario
from .stage import Player, Stage


def _play(client: Player, *texts: str | bytes) -> None:
    for text in texts:
        client.send(p.query(text))
        client.until_ready()


@scenario()
def set_is_reported_and_kept(stage: Stage) -> None:
    _play(stage.client(), "set timezone to 'Europe/Paris'", "show timezone", "select '2024-07-01 00:00Z'::timestamptz",
          "show timezone")


@scenario()
def several_parameters_in_one_text(stage: Stage) -> None:
    _play(stage.client(), "set datestyle to 'German'; set intervalstyle to 'iso_8601'; set timezone to 'UTC'",
          "select date '2024-07-01', interval '1 day 2 hours'", "show datestyle")


@scenario()
def set_by_the_extended_protocol(stage: Stage) -> None:
    client = stage.client()
    batch(client, p.parse("", "set timezone to 'Asia/Kolkata'"), p.bind(), p.execute())
    batch(client, p.parse("", "select current_setting('timezone')"), p.bind(), p.execute())


@scenario()
def set_config_is_reported_too(stage: Stage) -> None:
    _play(stage.client(), "select set_config('timezone', 'Europe/Rome', false)", "show timezone",
          "select set_config('timezone', 'Europe/Oslo', true)", "show timezone")


@scenario()
def set_local_ends_with_the_transaction(stage: Stage) -> None:
    _play(stage.client(), "begin", "set local timezone to 'Europe/Paris'", "show timezone", "commit", "show timezone")


@scenario()
def set_is_undone_by_rollback(stage: Stage) -> None:
    _play(stage.client(), "set timezone to 'Europe/Rome'", "begin", "set timezone to 'Europe/Paris'", "show timezone",
          "rollback", "show timezone")


@scenario()
def set_is_undone_by_rollback_to_a_savepoint(stage: Stage) -> None:
    _play(stage.client(), "begin", "set timezone to 'Europe/Rome'", "savepoint one", "set timezone to 'Europe/Paris'",
          "rollback to one", "show timezone", "commit", "show timezone")


@scenario()
def set_is_undone_by_an_error(stage: Stage) -> None:
    _play(stage.client(), "set timezone to 'Europe/Rome'; select 1/0", "show timezone")


@scenario()
def set_to_the_value_it_has_is_not_reported(stage: Stage) -> None:
    _play(stage.client(), "set timezone to 'UTC'", "set timezone to 'Europe/Rome'", "set timezone to 'Europe/Rome'")


@scenario()
def wrong_value_changes_nothing(stage: Stage) -> None:
    _play(stage.client(), "set timezone to 'Nowhere/Town'", "show timezone", "set datestyle to 'upside down'",
          "set no_such_parameter to 1")


@scenario()
def startup_values_hold(stage: Stage) -> None:
    client = stage.client(TimeZone="America/New_York", DateStyle="SQL, DMY")
    _play(client, "show timezone", "select date '2024-07-01'", "show datestyle")


@scenario()
def reset_returns_to_the_startup_values(stage: Stage) -> None:
    client = stage.client(TimeZone="America/New_York")
    _play(client, "set timezone to 'Europe/Rome'", "show timezone", "reset timezone", "show timezone")


@scenario()
def reset_all_returns_to_the_startup_values(stage: Stage) -> None:
    client = stage.client(TimeZone="America/New_York")
    _play(client, "set timezone to 'Europe/Rome'; set datestyle to 'German'", "reset all", "show timezone",
          "show datestyle")


@scenario()
def startup_options_hold(stage: Stage) -> None:
    client = stage.client(options="-c timezone=Europe/Madrid --datestyle=German")
    _play(client, "show timezone", "show datestyle")


@scenario()
def client_encoding_is_the_clients_own(stage: Stage) -> None:
    client = stage.client(client_encoding="LATIN1")
    _play(client, b"select '\xe9', length('\xe9')", "set client_encoding to 'UTF8'", "select 'é', length('é')",
          "show client_encoding")


@scenario()
def standard_conforming_strings(stage: Stage) -> None:
    _play(stage.client(), "set standard_conforming_strings to off", r"select 'a\tb'",
          "set standard_conforming_strings to on", r"select 'a\tb'")


@scenario()
def application_name_is_reported_as_the_client_set_it(stage: Stage) -> None:
    client = stage.client(application_name="shop")
    _play(client, "set application_name to 'shop, checkout'", "select 1", "set application_name to ''", "select 2")


@scenario()
def read_only_by_default(stage: Stage) -> None:
    _play(stage.client(), "set default_transaction_read_only to on", "create table scratch.t (a int)",
          "set default_transaction_read_only to off", "create table scratch.t (a int)")


@scenario()
def two_clients_two_time_zones(stage: Stage) -> None:
    one, two = stage.client("one", TimeZone="Europe/Paris"), stage.client("two", TimeZone="Asia/Tokyo")
    for _ in range(3):
        _play(one, "show timezone")
        _play(two, "show timezone")
    _play(one, "set timezone to 'UTC'", "show timezone")
    _play(two, "show timezone")
    _play(one, "show timezone")


@scenario()
def quotes_and_backslashes_in_values(stage: Stage) -> None:
    _play(stage.client(), "set application_name to 'it''s \\ \"quoted\"; select 1'", "select 1",
          "set timezone to '<+03>-03'", "show timezone")


@scenario()
def set_local_role_ends_with_the_transaction(stage: Stage) -> None:
    _play(stage.client(), "begin", "set local role to 'trusted'", "select current_user", "commit",
          "select current_user")


@scenario(session_state=True)
def parameters_that_are_not_reported(stage: Stage) -> None:
    _play(stage.client(), "set work_mem to '5MB'", "show work_mem", "set my.own to 'x'", "show my.own", "reset work_mem",
          "show work_mem")


@scenario()
def set_between_batches_without_waiting(stage: Stage) -> None:
    client = stage.client()
    client.send(p.query("set timezone to 'Europe/Paris'"), p.query("show timezone"), p.parse("", "show timezone"),
                p.bind(), p.execute(), p.sync(), p.query("reset timezone"), p.query("show timezone"))
    client.until_ready(5)
