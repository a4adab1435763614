#!/bin/sh
# Restore a backup made by deploy/backup.sh into a data folder that is empty or not there yet.
#
#   deploy/restore.sh BACKUP DATA
#
# Everything is checked before anything is written. A backup without ledger.sqlite (PostgreSQL) gives the artefacts
# only: restore the database with pg_restore. What the ledger had yet to send is held for a person. Run it as the service user, while no worker runs. PYTHON: the interpreter
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
if [ "$ledger" = yes ]; then
    cp -p "$backup/ledger.sqlite" "$data/.ledger.new"
    # What stood to be sent when the backup was made may have been sent since; a mail that was sent cannot be looked for.
    "${PYTHON:-python3}" - "$data/.ledger.new" <<'PYTHON' || fail "the ledger could not be made ready"
import contextlib
import sqlite3
import sys

HELD = "It was to be sent when the backup was made, and may have been sent since: see the mail server's log."
with contextlib.closing(sqlite3.connect(sys.argv[1])) as ledger, ledger:
    unsent = "kind = 'send' AND state IN ('pending', 'sending', 'unknown')"
    held = ledger.execute(f"UPDATE effects SET state = 'held', error = ? WHERE {unsent}", (HELD,)).rowcount
if held:
    print(f"restore: {held} mails are held, as they may have been sent since the backup; see 'pipeline doctor'")
PYTHON
    mv "$data/.ledger.new" "$data/ledger.sqlite"
fi
sync
printf 'restore: %s is ready: %s artefacts, ledger: %s\n' "$data" "$(grep -c . "$list" || true)" "$ledger"
