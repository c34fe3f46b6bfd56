#!/usr/bin/env python3
"""Measures the limits of the listener: B-11 (1,000 idle associations, then as many silent connections), B-12 (C-ECHO), and the idle part of
B-9. Needs the release build, dcmtk's echoscu and pynetdicom.

  bench_limits.py [--associations N]
"""
import argparse
import datetime
import json
import resource
import socket
import statistics
import tempfile
import time
from pathlib import Path

from pynetdicom import AE

from bench_ingest import BINARY, ROOT, machine, output, process

LISTEN = "127.0.0.1"


def resident(pid, field="VmRSS"):
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field)) / 1024


def echo_times(port, count):
    """Milliseconds of each C-ECHO of a new caller, association included."""
    times = []
    for _ in range(count):
        start = time.monotonic()
        ae = AE(ae_title="BENCH")
        ae.add_requested_context("1.2.840.10008.1.1")
        association = ae.associate(LISTEN, port, ae_title="ARCHIVE")
        if not association.is_established or association.send_c_echo().Status != 0:
            raise SystemExit("a C-ECHO was not answered")
        times.append((time.monotonic() - start) * 1000)
        association.release()
    return times


def on_one_association(port, count):
    ae = AE(ae_title="BENCH")
    ae.add_requested_context("1.2.840.10008.1.1")
    association = ae.associate(LISTEN, port, ae_title="ARCHIVE")
    times = []
    for _ in range(count):
        start = time.monotonic()
        association.send_c_echo()
        times.append((time.monotonic() - start) * 1000)
    association.release()
    return times


def request():
    """An A-ASSOCIATE-RQ with the Verification SOP class (PS3.8 section 9.3.2)."""
    def item(kind, value):
        return bytes([kind, 0]) + len(value).to_bytes(2, "big") + value
    context = bytes([1, 0, 0, 0]) + item(0x30, b"1.2.840.10008.1.1") + item(0x40, b"1.2.840.10008.1.2")
    user = item(0x51, (16384).to_bytes(4, "big")) + item(0x52, b"1.2.3.4")
    body = b"\0\1\0\0" + b"ARCHIVE".ljust(16) + b"BENCH".ljust(16) + bytes(32)
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + item(0x20, context) + item(0x50, user)
    return b"\1\0" + len(body).to_bytes(4, "big") + body


def open_idle(port, count):
    """Associations that say nothing more; (sockets, accepted)."""
    sockets, accepted = [], 0
    for _ in range(count):
        peer = socket.create_connection((LISTEN, port), timeout=10)
        peer.sendall(request())
        accepted += peer.recv(1) == b"\2"
        sockets.append(peer)
    return sockets, accepted


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--associations", type=int, default=1000)
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count, date = args.associations, datetime.date.today().isoformat()
    with tempfile.TemporaryDirectory(prefix="bench", dir=ROOT / "target") as folder:
        config = Path(folder) / "site.toml"
        config.write_text(f"""[site]
data = "{folder}/data"
[dicom]
listen = "127.0.0.1:0"
associations_per_node = {count + 50}
[dicom.limits]
associations = {count + 100}
[http]
listen = "127.0.0.1:0"
[[node]]
name = "bench"
ae_title = "BENCH"
addresses = ["127.0.0.1/32"]
[[project]]
id = "rx"
called_ae_titles = ["ARCHIVE"]
mode = "receive-only"
""")
        with process(BINARY, "serve", "--config", config, "--json") as child:
            port = int(json.loads(child.stdout.readline())["dicom"].rpartition(":")[2])
            idle = resident(child.pid)
            inside = on_one_association(port, 500)
            start = time.monotonic()
            output("echoscu", "-aet", "BENCH", "-aec", "ARCHIVE", "--repeat", 49, LISTEN, port)
            fifty = time.monotonic() - start
            sockets, accepted = open_idle(port, count)
            loaded, beside = resident(child.pid), echo_times(port, 40)
            for peer in sockets:
                peer.close()
            time.sleep(1)
            silent = [socket.create_connection((LISTEN, port)) for _ in range(count)]
            with_silent = echo_times(port, 40)
            peak = resident(child.pid, "VmHWM")
            for peer in silent:
                peer.close()
        p95 = lambda times: statistics.quantiles(times, n=20)[18]
        lines = [f"# Limits of the listener, {date}", "",
                 f"- **B-9**, idle: {idle:.1f} MiB resident (≤ 64 asked)",
                 f"- **B-11**: {accepted} of {count} idle associations accepted; {loaded:.1f} MiB resident, {(loaded - idle) * 1024 / count:.1f} KiB each above"
                 f" idle (≤ 19 asked); C-ECHO of a new caller beside them p95 {p95(beside):.1f} ms, beside {count} silent connections {p95(with_silent):.1f} ms"
                 f" (≤ 10 asked, pynetdicom's own time included); peak {peak:.1f} MiB",
                 f"- **B-12**: C-ECHO on one association p50 {statistics.median(inside):.2f} ms with pynetdicom as client (≤ 1 asked);"
                 f" 50 with stock echoscu in {fifty:.3f} s, program start included (≤ 0.15 asked)",
                 "", "## Machine", "", *machine(folder), ""]
    text = "\n".join(lines)
    out = ROOT / "docs/benchmarks"
    out.mkdir(parents=True, exist_ok=True)
    (out / f"limits-{date}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
