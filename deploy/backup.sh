#!/bin/sh
# Back up a data folder, also while the worker runs: the ledger, then every artefact that the backup does not have yet.
#
#   deploy/backup.sh DATA BACKUP                with SQLite (the embedded default)
#   deploy/backup.sh --no-ledger DATA BACKUP    with PostgreSQL: take pg_dump first, then this
#
# BACKUP may be the folder of an earlier backup; then the ledger in it is replaced in one step and artefacts are added.
# The order matters: artefacts are stored before the ledger speaks of them and are never deleted, so a copy of them
# that is made later than the ledger's has all that the ledger names. Run it as the service user. PYTHON: the
# interpreter to use, python3 unless set. Exit 0 only when the backup is whole and was checked.
set -eu
umask 077

fail() {
    printf 'backup: %s\n' "$*" >&2
    exit 1
}

ledger=yes
if [ "${1:-}" = --no-ledger ]; then
    ledger=no
    shift
fi
[ $# -eq 2 ] || fail "give the data folder and the backup folder"
data=$1
backup=$2
[ -d "$data" ] || fail "$data: there is no such folder"
if [ "$ledger" = yes ] && [ ! -f "$data/ledger.sqlite" ]; then
    fail "$data has no ledger.sqlite; with PostgreSQL take pg_dump first, then use --no-ledger"
fi
mkdir -p "$backup/artefacts"

if [ "$ledger" = yes ]; then
    rm -f "$backup/.ledger.new"
    "${PYTHON:-python3}" - "$data/ledger.sqlite" "$backup/.ledger.new" <<'PYTHON' || fail "the ledger could not be copied"
import contextlib
import sqlite3
import sys

with contextlib.closing(sqlite3.connect(sys.argv[1])) as source, contextlib.closing(sqlite3.connect(sys.argv[2])) as copy:
    source.backup(copy)
    copy.execute("PRAGMA journal_mode = DELETE")
    found = copy.execute("PRAGMA integrity_check").fetchone()[0]
sys.exit(None if found == "ok" else f"backup: the copy of the ledger is damaged: {found}")
PYTHON
    mv "$backup/.ledger.new" "$backup/ledger.sqlite"
fi

# An artefact's name is the sha256 of its bytes; hidden names are what a killed writer left and nothing reads.
list=$(mktemp)
trap 'rm -f "$list"' EXIT
if [ -d "$data/artefacts" ]; then
    (cd "$data/artefacts" && find . -type f ! -name '.*') >"$list"
    while IFS= read -r name; do
        [ ! -f "$backup/artefacts/$name" ] || continue
        mkdir -p "$backup/artefacts/${name%/*}"
        cp -p "$data/artefacts/$name" "$backup/artefacts/.new"
        mv "$backup/artefacts/.new" "$backup/artefacts/$name"
    done <"$list"
fi

(cd "$backup/artefacts" && find . -type f ! -name '.*') | sed 's|.*/\(.*\)|\1  &|' >"$list"
if [ -s "$list" ]; then
    (cd "$backup/artefacts" && sha256sum --check --quiet --strict "$list") || fail "an artefact is not what its name says"
fi
sync
printf 'backup: %s is whole: %s artefacts, ledger: %s\n' "$backup" "$(grep -c . "$list" || true)" "$ledger"
