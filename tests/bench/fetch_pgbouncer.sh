#!/usr/bin/env bash
# Puts Debian 13's PgBouncer, with the libraries it needs, below the given folder and prints the command that runs it.
# Debian 12's (1.18) has no prepared statements in transaction mode. Nothing of the system is changed: apt works on
# lists and a cache of its own, and the program runs with its own loader and C library.
set -euo pipefail

FOLDER=$(mkdir -p "$1" && cd "$1" && pwd)
PACKAGES=(
    pgbouncer libc6 libevent-2.1-7t64 libcares2 libssl3t64 libpam0g libldap2 libsystemd0 libaudit1 libcap-ng0
    libsasl2-2 libcap2 libzstd1 zlib1g libgcc-s1
)
ROOT=$FOLDER/root
LOADER=$ROOT/usr/lib64/ld-linux-x86-64.so.2
LIBRARIES=$ROOT/usr/lib/x86_64-linux-gnu
COMMAND=$FOLDER/pgbouncer

if [ ! -x "$COMMAND" ]; then
    mkdir -p "$FOLDER"/{lists/partial,archives/partial,root,deb}
    # Debian 13 from where this machine gets its Debian 12.
    # shellcheck disable=SC2016  # apt's own variables
    mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | awk '$1 == "bookworm" { print $2; exit }')
    if [ -z "$mirror" ]; then
        echo "apt knows no source of Debian's release bookworm, so not where Debian 13 is" >&2
        exit 1
    fi
    echo "deb [arch=amd64] $mirror trixie main" >"$FOLDER/sources.list"
    options=(
        -q -o "Dir::Etc::sourcelist=$FOLDER/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$FOLDER/lists"
        -o "Dir::Cache=$FOLDER/cache" -o Dir::State::status=/dev/null -o APT::Sandbox::User=root
    )
    apt-get "${options[@]}" update >&2
    (cd "$FOLDER/deb" && apt-get "${options[@]}" download "${PACKAGES[@]}" >&2)
    for package in "$FOLDER"/deb/*.deb; do dpkg-deb -x "$package" "$ROOT"; done
    if [ ! -e "$LOADER" ]; then LOADER=$LIBRARIES/ld-linux-x86-64.so.2; fi
    missing=$("$LOADER" --library-path "$LIBRARIES" --list "$ROOT/usr/sbin/pgbouncer" | grep 'not found' || :)
    if [ -n "$missing" ]; then
        echo "PgBouncer of Debian 13 lacks: $missing" >&2
        exit 1
    fi
    printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' "$LOADER" "$LIBRARIES" "$ROOT/usr/sbin/pgbouncer" >"$COMMAND"
    chmod +x "$COMMAND"
    rm -rf "$FOLDER"/{lists,archives,cache,deb}
fi
echo "$COMMAND"
