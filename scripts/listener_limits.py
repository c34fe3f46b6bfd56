"""Bars B-11 and B-12: what idle associations cost, what happens beyond their limit, who is closed by ARTIM, and how fast C-ECHO is."""
import contextlib
import selectors
import socket
import time
from pathlib import Path

from dimse import C_ECHO_RQ, EXPLICIT_LITTLE, NO_DATA_SET, VERIFICATION, Association, Refused, command, message

CONTEXTS = [(VERIFICATION, EXPLICIT_LITTLE)]
ECHO = message(1, command(C_ECHO_RQ, VERIFICATION, 1, NO_DATA_SET))
# PS3.8 Table 9-21: rejected transient, by the presentation-related service provider, local limit exceeded
LOCAL_LIMIT = (2, 3, 2)
ARTIM = 30  # seconds, the default


def resident(pid, field="VmRSS"):
    """MiB"""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field)) / 1024


def open_association(port):
    return Association(port, "ARCHIVE", "BENCH", CONTEXTS)


def echo(association):
    association.socket.sendall(ECHO)
    if association.answer():
        raise SystemExit("a C-ECHO was refused")


def on_one_association(port, count):
    """Milliseconds from request to response of each C-ECHO."""
    association, times = open_association(port), []
    for _ in range(count):
        start = time.monotonic()
        echo(association)
        times.append((time.monotonic() - start) * 1000)
    association.release()
    return times


def of_new_callers(port, count):
    """Milliseconds from the connection to the answer, of one caller after another."""
    times = []
    for _ in range(count):
        start = time.monotonic()
        association = open_association(port)
        echo(association)
        times.append((time.monotonic() - start) * 1000)
        association.release()
    return times


def beyond(port, tries):
    """How many further associations are refused for the local limit; any other answer ends the program."""
    for _ in range(tries):
        try:
            open_association(port)
        except Refused as refused:
            if refused.args == LOCAL_LIMIT:
                continue
            raise SystemExit(f"refused with {refused.args}, not with {LOCAL_LIMIT}")
        raise SystemExit("an association beyond the limit was accepted")
    return tries


def closed_by_artim(silent, since):
    """Seconds after `since` at which each silent connection was closed by the peer; what is open long after the timer is left out."""
    waiting, times = selectors.DefaultSelector(), []
    for connection in silent:
        waiting.register(connection, selectors.EVENT_READ)
    while len(times) < len(silent) and time.monotonic() < since + 2 * ARTIM:
        for key, _ in waiting.select(1):
            with contextlib.suppress(ConnectionError):
                if key.fileobj.recv(64):
                    raise SystemExit("a silent connection got something to read")
            times.append(time.monotonic() - since)
            waiting.unregister(key.fileobj)
    return times


def measure(port, pid, count):
    """Everything about one running server whose limit is `count` + 1 associations."""
    idle = resident(pid)
    found = {"C-ECHO on one association, ms": on_one_association(port, 5000), "idle MiB": idle}
    open_ones = [open_association(port) for _ in range(count)]
    found["associations"], found["MiB beside them"] = len(open_ones), resident(pid)
    found["C-ECHO of new callers beside them, ms"] = of_new_callers(port, 200)
    open_ones.append(open_association(port))
    found["refused beyond the limit"] = beyond(port, 20)
    for association in open_ones:
        association.socket.close()
    start = time.monotonic()
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    # the places of the associations that ended are free again
    found["C-ECHO of new callers beside silent connections, ms"] = of_new_callers(port, 200)
    found["closed by ARTIM, s"] = closed_by_artim(silent, start)
    found["peak MiB"] = resident(pid, "VmHWM")
    return found
