"""Bar B-10: from the start of the program to the answer to the first C-ECHO, with a million instances in the index.

The rows are those that the product leaves of a million instances that were received, de-identified, exported and acknowledged, and whose
originals reached the end of their retention; only the sealed values of the vault are noise. They are written by SQL.
"""
import os
import sqlite3
import time

from ct_slices import CT, push
from dimse import EXPLICIT_LITTLE, NO_DATA_SET, C_ECHO_RQ, VERIFICATION, Association, command, message

PATIENTS, STUDIES, SERIES, INSTANCES = 5_000, 6_250, 4, 40  # series per study, instances per series


def uuid(kind, number):
    """SQL: a UUID of version 7, in the order of `number`."""
    return f"printf('01900000-%04x-7000-8{kind:03x}-%012x', ({number}) >> 32, {number})"


def uid(kind, number):
    """SQL: a UID as long as those that the program makes."""
    return f"printf('2.25.{kind}%038d', 7777777 * ({number}))"


def hashed(number):
    return f"'blake3:' || printf('%064x', {number})"


def statements():
    """(database, SQL) of each table. `i` counts the rows from 0; the middle of each statement says how many."""
    series, instances = STUDIES * SERIES, STUDIES * SERIES * INSTANCES
    per_study = SERIES * INSTANCES
    at, day = "1795000000000 + i", f"20200101 + (i % 28)"

    def rows(count, table, *values):
        numbers = f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})"
        return f"INSERT INTO {table} {numbers} SELECT {', '.join(map(str, values))} FROM n"

    code = "printf('NQ%07d', i)"
    of_study, of_series = f"(i / {per_study})", f"(i / {INSTANCES})"
    studies_of = STUDIES // PATIENTS
    yield "main", rows(PATIENTS, "patient", uuid(1, "i"), "'p1'", code, code, "''", code, studies_of)
    yield "main", rows(STUDIES, "study", uuid(2, "i"), "'p1'", uuid(1, f"i % {PATIENTS}"), uid(2, "i"), day, "''", "''", "''", "''",
                       SERIES, per_study, per_study * 526_000, at)
    yield "main", rows(series, "series", uuid(3, "i"), uuid(2, f"i / {SERIES}"), uid(3, "i"), "'CT'", f"i % {SERIES}", "''", "''",
                       INSTANCES, INSTANCES * 526_000)
    yield "main", rows(instances, "instance", uuid(4, "i"), "'p1'", uuid(3, of_series), uuid(5, of_study), uid(4, "i"), f"'{CT}'",
                       f"'{EXPLICIT_LITTLE}'", f"i % {INSTANCES}", 1, f"'archive/' || {uuid(4, 'i')}", 526_000, "randomblob(32)", 0, 1, at)
    yield "main", f"INSERT INTO project_total VALUES ('p1', {PATIENTS}, {STUDIES}, {series}, {instances}, {instances * 526_000})"
    yield "main", rows(STUDIES, "job", uuid(6, "i"), uuid(6, "i"), 1, "'p1'", "'sink'", uuid(5, "i"), uuid(2, "i"),
                       uuid(7, f"i % {PATIENTS}"), 1, "'closed'", "NULL", "NULL", "NULL", at, at)
    yield "main", rows(6 * STUDIES, "state_change", uuid(8, "i"), "'job'", uuid(6, "i / 6"), "'send'", "'deidentified'", "'sent'",
                       "'stage'", "'export'", "''", "'1'", "NULL", at)
    for number, event in enumerate(("deidentified", "cleared", "sent", "acknowledged")):
        leaves = number > 1
        yield "main", rows(instances, "ledger", uuid(10 + number, "i"), at, f"'{event}'", "'p1'", uuid(6, of_study) if leaves else "NULL",
                           "NULL", uuid(4, "i"), "'sink'" if leaves else "''", hashed("i"), 526_000, "'1'",
                           hashed("i / 1000") if leaves else "NULL", "''")
        yield "main", f"INSERT INTO ledger_total VALUES ('p1', '{event}', '{'sink' if leaves else ''}', {instances}, {instances * 526_000})"
    yield "buffer", rows(STUDIES, "receiving_study", uuid(5, "i"), "'p1'", uid(20, "i"), 1, at, at, per_study, per_study * 526_000, at)
    yield "buffer", rows(instances, "received_instance", uuid(4, "i"), "'p1'", uuid(5, of_study), uuid(9, of_series), "'dicom'", "'BENCH'",
                         "'P1'", "'127.0.0.1'", f"printf('HOSP-%06d', {of_study} % {PATIENTS})", "''", "'site'", uid(20, of_study),
                         uid(21, of_series), uid(22, "i"), f"'{CT}'", f"'{EXPLICIT_LITTLE}'", "'CT'", "'main'",
                         "printf('segment/%d/%d', i / 240, i % 240)", 526_000, "randomblob(32)", "'[]'", 0, 0, "'released'", at, at)
    key = "(SELECT key_id FROM wrapping_key)"
    yield "vault", rows(PATIENTS, "participant", uuid(7, "i"), "'p1'", code, -3650, -1, key, "randomblob(72)", "NULL", at, "NULL")
    yield "vault", rows(PATIENTS, "participant_key", "randomblob(32)", uuid(7, "i"), "randomblob(64)", at)
    yield "vault", rows(STUDIES, "own_record", uuid(7, f"i % {PATIENTS}"), "randomblob(32)", "randomblob(32)", "randomblob(400)", "randomblob(32)",
                       "randomblob(32)", at)
    yield "vault", rows(STUDIES, "export_record", uuid(6, "i"), "'p1'", "'sink'", uuid(7, f"i % {PATIENTS}"), uid(2, "i"), code, 1, "'1'", at)
    who = uuid(7, f"{of_study} % {PATIENTS}")
    yield "vault", rows(instances, "mapped_uid", uid(4, "i"), who, uid(2, of_study), 5, "randomblob(110)")
    yield "vault", rows(instances, "issued_uid", uid(4, "i"), "'p1'", "'sink'", who, 5, uid(4, "i"), uuid(6, of_study))


def fill(data):
    """Writes the rows; the program is not running and has made its databases."""
    for name in ("main", "buffer", "vault"):
        database = sqlite3.connect(data / f"{name}.sqlite")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA cache_size = -400000")
        for of, sql in statements():
            if of == name:
                database.execute(sql)
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
    os.sync()


def evict(data):
    """Drops databases and receive buffer from the page cache, as after a restart of the machine."""
    for path in [*data.glob("*.sqlite*"), *data.glob("spool/*")]:
        with open(path, "rb") as file:
            os.fsync(file)
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def start_to_echo(site):
    """(milliseconds from the start of the process to the answer to a C-ECHO, the process, its port)"""
    evict(site.data)
    start = time.monotonic()
    child, port = site.start()
    association = Association(port, "P1", "BENCH", [(VERIFICATION, EXPLICIT_LITTLE)])
    association.socket.sendall(message(1, command(C_ECHO_RQ, VERIFICATION, 1, NO_DATA_SET)))
    if association.answer():
        raise SystemExit("the first C-ECHO was refused")
    taken = (time.monotonic() - start) * 1000
    association.release()
    return taken, child, port


def backlog(data):
    """(records with a row that are not de-identified, all rows) after a crash."""
    database = sqlite3.connect(f"file:{data}/buffer.sqlite?mode=ro", uri=True)
    waiting, = database.execute("SELECT COUNT(*) FROM received_instance WHERE state IN ('received', 'admitted')").fetchone()
    rows, = database.execute("SELECT COUNT(*) FROM received_instance").fetchone()
    database.close()
    return waiting, rows


def measure(site, rounds, count):
    """Milliseconds of each start: after a clean stop, and after `kill -9` with `count` more slices that nothing has drained."""
    with site.running():
        pass  # makes the databases
    fill(site.data)
    clean, killed, left = [], [], []
    for _ in range(rounds):
        taken, child, _ = start_to_echo(site)
        clean.append(taken)
        child.terminate()
        child.wait(60)
    away, acknowledged = site.key.with_suffix(".away"), backlog(site.data)[1]
    for number in range(rounds):
        # without its key the vault is locked: what arrives is acknowledged and waits
        site.key.rename(away)
        child, port = site.start()
        push(port, number, count, 4)
        child.kill()
        child.wait()
        away.rename(site.key)
        waiting, rows = backlog(site.data)
        acknowledged += count
        left.append({"waiting": waiting, "without a row": acknowledged - rows})
        taken, child, _ = start_to_echo(site)
        killed.append(taken)
        start = time.monotonic()
        while backlog(site.data)[1] < acknowledged:
            if time.monotonic() - start > 60:
                raise SystemExit("an acknowledged slice has no row a minute after the restart")
            time.sleep(0.02)
        left[-1]["all rows there, ms after the echo"] = (time.monotonic() - start) * 1000
        child.kill()
        child.wait()
    return {"after a clean stop, ms": clean, "after kill -9, ms": killed, "undrained": left}
