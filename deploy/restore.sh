#!/bin/sh
# Restore a backup made by deploy/backup.sh into a data folder that is empty or not there yet.
#
#   deploy/restore.sh BACKUP DATA
#
# Everything is checked before anything is written. A backup without ledger.sqlite (PostgreSQL) gives the artefacts
# only: restore the database with pg_restore. Run it as the service user, while no worker runs. PYTHON: the interpreter
# to use, python3 unless set.
set -eu
umask 077

fail() {
    printf 'restore: %s\n' "$*" >&2
    exit 1
}

[ $# -eq 2 ] || fail "give the backup folder and the data folder"
backup=$1
data=$2
[ -d "$backup/artefacts" ] || fail "$backup is no backup: it has no folder 'artefacts'"
if [ -e "$data" ] && [ -n "$(ls -A "$data")" ]; then
    fail "$data is not empty; move what is in it away first"
fi

ledger=no
if [ -f "$backup/ledger.sqlite" ]; then
    ledger=yes
    "${PYTHON:-python3}" - "$backup/ledger.sqlite" <<'PYTHON' || fail "the ledger in the backup cannot be used"
import contextlib
import pathlib
import sqlite3
import sys

with contextlib.closing(sqlite3.connect(f"{pathlib.Path(sys.argv[1]).absolute().as_uri()}?mode=ro", uri=True)) as ledger:
    found = ledger.execute("PRAGMA integrity_check").fetchone()[0]
sys.exit(None if found == "ok" else f"restore: the ledger in the backup is damaged: {found}")
PYTHON
fi
list=$(mktemp)
trap 'rm -f "$list"' EXIT
(cd "$backup/artefacts" && find . -type f ! -name '.*') | sed 's|.*/\(.*\)|\1  &|' >"$list"
if [ -s "$list" ]; then
    (cd "$backup/artefacts" && sha256sum --check --quiet --strict "$list") || fail "an artefact is not what its name says"
fi

mkdir -p "$data"
cp -Rp "$backup/artefacts" "$data/artefacts"
[ "$ledger" = no ] || cp -p "$backup/ledger.sqlite" "$data/ledger.sqlite"
sync
printf 'restore: %s is ready: %s artefacts, ledger: %s\n' "$data" "$(grep -c . "$list" || true)" "$ledger"
