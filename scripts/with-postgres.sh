#!/usr/bin/env bash
# with-postgres.sh COMMAND…: runs COMMAND with RESEARCH_PACS_TEST_POSTGRES set to a PostgreSQL made for it, on a free loopback port, with
# its files in a temporary folder. Server and folder are gone afterwards. Not for durability tests or figures: it runs without fsync.
set -euo pipefail

binaries=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
[ -x "$binaries/initdb" ] || { echo "with-postgres: no PostgreSQL; run scripts/install-test-peers.sh" >&2; exit 2; }

folder=$(mktemp -d)
# PostgreSQL refuses to run as root; the Debian package brings a user for it.
as_owner() { "$@"; }
if [ "$(id -u)" = 0 ]; then
    chown postgres "$folder"
    as_owner() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
fi
stop() {
    as_owner "$binaries/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cd "$folder"
as_owner "$binaries/initdb" -D data -A trust -U postgres --no-locale -E UTF8 --no-sync >/dev/null
as_owner "$binaries/pg_ctl" -D data -w -l log start >/dev/null \
    -o "-p $port -k $folder -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200" || { cat log >&2; exit 2; }
cd "$OLDPWD"

export RESEARCH_PACS_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres"
"$@"
