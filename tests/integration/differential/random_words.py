"""The words of the random generator: texts, parameters and their values."""

from __future__ import annotations

from .random_script import Message

# Reported by PostgreSQL: they follow the client in both pool modes. Some values are relative to what was there.
REPORTED: dict[str, list[str]] = {
    "timezone": ["UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "<+03>-03"],
    "datestyle": ["ISO", "ISO, DMY", "German", "SQL, DMY", "SQL", "DMY", "Postgres, MDY", "YMD"],
    "intervalstyle": ["postgres", "iso_8601", "sql_standard", "postgres_verbose"],
    "standard_conforming_strings": ["on", "off"],
    "client_encoding": ["UTF8", "LATIN1", "SQL_ASCII"],
    "default_transaction_read_only": ["off", "on"],
}
# Not reported.
UNREPORTED: dict[str, list[str]] = {
    "work_mem": ["'5MB'", "'6MB'"],
    "extra_float_digits": ["0", "1", "-2"],
    "bytea_output": ["'escape'", "'hex'"],
    "search_path": ["one", "two, public"],
    "statement_timeout": ["'50s'", "'60s'"],
    "lc_messages": ["'C'"],
    "my.tenant": ["'seven'"],
}
# A statement that shows the effect of each. A parameter with a dot stays known, and empty, once anybody has set it on that server.
SHOWN_ONLY = {
    "work_mem": "select current_setting('work_mem')",
    "extra_float_digits": "select 1/3::float8",
    "bytea_output": r"select '\x0041'::bytea",
    "search_path": "select current_schemas(false)",
    "statement_timeout": "show statement_timeout",
    "lc_messages": "show lc_messages",
    "my.tenant": "select coalesce(current_setting('my.tenant', true), '')",
}
BAD_SETTINGS = ["set timezone to 'Nowhere/Town'", "set datestyle to 'upside down'", "set no_such_parameter to 1",
                "set client_encoding to 'none'", "set transaction_isolation to 'what'"]
STARTUP: list[tuple[str, list[str]]] = [
    ("TimeZone", ["Europe/Madrid", "America/New_York"]),
    ("DateStyle", ["ISO", "DMY", "German", "SQL", "ISO, YMD"]),
    ("client_encoding", ["UTF8", "LATIN1", "'utf-8'"]),
    # Longer than 63 bytes, PostgreSQL sends a notice at the login too.
    ("application_name", ["shop", "a" * 63, "it's", "caf\u00e9"]),
    ("extra_float_digits", ["0", "2"]),
    ("search_path", ["one", "two, public"]),
    ("options", ["-c intervalstyle=iso_8601", "-c datestyle=German --timezone=Asia/Tokyo", "-c work_mem=7MB"]),
]
# Values depend on the session's settings, so a wrong one is seen.
PLAIN = [
    "select 1", "", "select date '03/04/2024'", "select timestamptz '2024-07-01 12:00'", "select interval '1 year 2 days 03:04'",
    r"select 'a\tb'", "select repeat('r', 30000)", "show timezone", "show datestyle", "select * from generate_series(1, 5)",
    "do $$ begin raise notice 'noted'; end $$", "show transaction_read_only", "select 1, null, 'x'::bpchar, array[1,2]",
    "values (1.5::numeric), (null)", "/* nothing */", "select current_user, session_user", "select 'caf\u00e9'",
    "select count(*) > 0 from pg_class", "select * from kin",
]
WRONG = ["select 1/0", "selct", "select * from nowhere", "select 'x'::int", "do $$ begin raise exception 'own' using errcode = 'P0999'; end $$",
         "insert into strict values (1)", "rollback", "commit", "savepoint outside"]
# Texts that clients share, with good values. Literals are fixed at Parse, under the settings of that moment.
STATEMENTS: list[tuple[str, list[str | None]]] = [
    ("select $1::int + 1", ["41"]),
    ("select date '03/04/2024' + $1::int", ["1"]),
    ("select timestamptz '2024-07-01 12:00', $1::text", ["x"]),
    ("select interval '1-2', $1::text", ["x"]),
    (r"select 'a\tb', $1::text", ["x"]),
    ("select $1::date", ["05/06/2024"]),
    ("select $1::timestamptz", ["2024-07-01 12:00"]),
    ("select generate_series(1, $1::int)", ["3"]),
    ("select 1 / $1::int", ["1"]),
    ("select * from kin", []),
    ("select length($1)", ["caf\u00e9"]),
    ("select 1.5::float8 / $1::int", ["7"]),
    ("select repeat($1, 9000)", ["r"]),
    ("show timezone", []),
    ("select 1 where false", []),
    ("", []),
    ("set timezone to 'Asia/Tokyo'", []),
    ("select nothing from nowhere", []),
]


def _parsed(name: str, sql: str) -> tuple[Message, ...]:
    return (("Parse", name, sql), ("Sync",))


# What strangers leave behind in a transaction that they commit or roll back later.
STRANGE: dict[str, tuple[Message, ...]] = {
    "stranger's DateStyle": (("Query", "set datestyle to 'German'; set timezone to 'Asia/Tokyo'"),),
    "stranger's order of dates": (("Query", "set datestyle to 'SQL, DMY'"), *_parsed("s1", "select 'a stranger''s s1'")),
    "stranger's encoding": (("Query", "set intervalstyle to 'sql_standard'; set client_encoding to 'LATIN1'"),),
    "stranger's backslashes": (
        ("Query", "set standard_conforming_strings to off"), *_parsed("", "select 'a stranger''s'")),
    "stranger's search_path": (("Query", "set work_mem to '9MB'; set search_path to two; set my.tenant to 'stranger'"),),
    "stranger's floats": (("Query", "set extra_float_digits to -3; set bytea_output to 'escape'"),),
    "stranger's read only": (("Query", "set default_transaction_read_only to on"),),
    "stranger's role": (("Query", "set role other"),),
    "stranger's session authorization": (("Query", "set session authorization other"),),
    "stranger's cursor": (("Query", "declare c cursor with hold for select 1"),),
    "stranger's temporary table": (("Query", "create temp table kin (a int)"),),
    "stranger's set_config": (("Query", "select set_config('work_mem', '8MB', false); set lc_messages to 'C'"),),
    "stranger's statement": (*_parsed("s1", "select date '03/04/2024' + $1::int"), ("Query", "set datestyle to 'DMY'")),
    "stranger's PREPARE": (("Query", "prepare s1 as select 'a stranger''s own'"),),
    "stranger's DEALLOCATE ALL": (("Query", "deallocate all"),),
    "stranger's deallocate in DO": (("Query", "do $$ begin execute 'deallocate all'; end $$"),),
    "stranger's error": (("Query", "select 1/0"),),
}
# What a new session begins with: set by role and database from one epoch to the next.
EPOCHS: list[dict[str, str]] = [
    {},
    {"timezone": "'Europe/Rome'", "datestyle": "'SQL, DMY'"},
    {"intervalstyle": "'iso_8601'", "extra_float_digits": "0", "work_mem": "'3MB'"},
    {"default_transaction_read_only": "off", "timezone": "'America/Lima'", "search_path": "two, public"},
    {"datestyle": "'German'", "bytea_output": "'escape'", "statement_timeout": "'100s'"},
    {"standard_conforming_strings": "off", "client_encoding": "'LATIN1'"},
]
