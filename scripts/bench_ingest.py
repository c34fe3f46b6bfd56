#!/usr/bin/env python3
"""Measures ingest against Orthanc and dcmtk's storescp: bars B-1 (disk), B-2 (RAM disk), B-3 (CPU).

  bench_ingest.py --judge DIR [--disk DIR] [--rounds N] [--instances N]

DIR holds the measuring tools (mkcorpus.py, physlimits.py, peers.py, peerbench.py), which are run as they are. The release build must be
there. Raw figures go to docs/benchmarks/ingest-DATE/, the report to docs/benchmarks/ingest-DATE.md.
"""
import argparse
import contextlib
import datetime
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from bench_site import BINARY, ENVIRONMENT, RECEIVE_ONLY, ROOT, Site

OURS = "research-pacs"

RATE, CPU, MEMORY = "instances/s", "server CPU ms/instance", "server peak RSS MiB"
CLIENTS = {  # peerbench's options by kind of client
    "normal": ("--test", "ingest"),
    "quickack": ("--test", "rawingest", "--quickack"),
}
# (bar, base, associations, on a RAM disk)
CASES = [("B-1", "orthanc", 4, False), ("B-2", "storescp", 1, True), ("B-2", "storescp-fork", 4, True)]


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, text=True, env=ENVIRONMENT, **options)


def output(*command):
    return run(*command, capture_output=True).stdout.strip()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---- the two sides ---------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def process(*command):
    """A child process with its standard output as a pipe; ended politely afterwards."""
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(60)


class Peer:
    """A base, started by the judge's peers.py."""

    def __init__(self, judge, name, folder):
        self.judge, self.name, self.folder = judge, name, folder / name
        self.port, self.http = free_port(), free_port()

    @contextlib.contextmanager
    def running(self):
        command = (sys.executable, self.judge / "peers.py", self.name, "--root", self.folder, "--port", self.port, "--http", self.http)
        with process(*command) as child:
            ready = re.match(r"ready pid=(\d+)", child.stdout.readline())
            if not ready:
                raise SystemExit(f"{self.name} did not start; is its port free?")
            yield f"name={self.name},port={self.port},aet=PEER,pid={ready[1]}"

    def count(self):
        """Instances held; the peer must still run."""
        if self.name.startswith("orthanc"):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/statistics", timeout=60) as answer:
                return json.load(answer)["CountInstances"]
        return sum(1 for path in self.folder.iterdir() if path.is_file())


class Ours:
    """Our release build: default configuration and one receive-only project."""

    def __init__(self, folder):
        self.site = Site(folder, "PEERBENCH", RECEIVE_ONLY)

    @contextlib.contextmanager
    def running(self):
        with self.site.running() as (child, port):
            yield f"name={OURS},port={port},aet=ARCHIVE,pid={child.pid}"

    def count(self):
        """Instances held, each compared with the digest that was acknowledged; the server must have ended."""
        lines = output(BINARY, "check", "receive", "--config", self.site.config, "--json").splitlines()
        summary = json.loads(lines[-1])
        if summary["missing"] or summary["altered"]:
            raise SystemExit(f"our receive buffer is not whole: {summary}")
        return summary["instances"]


# ---- measuring -------------------------------------------------------------------------------------------------------
def measure(judge, base, associations, folder, corpus, instances, rounds):
    """{client: {system: [figures of a round]}}; a run that lost or refused one instance ends the program."""
    peer, ours, results = Peer(judge, base, folder), Ours(folder), {}
    expected = instances * rounds * len(CLIENTS)
    with peer.running() as first, ours.running() as second:
        for client, options in CLIENTS.items():
            print(f"   {base}, {associations} association(s), {client} client", flush=True)
            raw = folder / "raw.json"
            run(sys.executable, judge / "peerbench.py", "--system", first, "--system", second, "--rounds", rounds, "--corpus", corpus,
                "--stage", "/dev/shm", "--associations", associations, "--json", raw, *options, stdout=subprocess.DEVNULL)
            results[client] = next(iter(json.loads(raw.read_text())["results"].values()))
        held = peer.count()
    for name, count in ((base, held), (OURS, ours.count())):
        if count != expected:
            raise SystemExit(f"{name} holds {count} instances of {expected}: a run without a rate")
    return results


def spread(values):
    return f"{statistics.median(values):.3g} ({min(values):.3g}–{max(values):.3g})"


def ratios(systems, figure):
    """Ours to the base, round by round."""
    base = next(rows for name, rows in systems.items() if name != OURS)
    return [ours[figure] / other[figure] for ours, other in zip(systems[OURS], base) if other[figure]]


def verdicts(bar, base, associations, client, systems):
    """(bar, claim, met) of one measurement."""
    rate, cpu = ratios(systems, RATE), ratios(systems, CPU)
    ours = [row[CPU] for row in systems[OURS]]
    where = f"{base}, {associations} association{'s' * (associations > 1)}, {client} client"
    if bar == "B-1":
        yield bar, f"{spread(rate)} × the rate of {where}; ≥ 3 asked", statistics.median(rate) >= 3
    else:
        yield bar, f"{spread(rate)} × the rate of {where}; ≥ 0.9 asked", statistics.median(rate) >= 0.9
        if cpu:  # none where the base took less than a tick
            yield bar, f"{spread(cpu)} × the CPU of {where}; ≤ 1.2 asked", statistics.median(cpu) <= 1.2
    yield "B-3", f"{spread(ours)} ms CPU per CT beside {where}; ≤ 1.0 asked", statistics.median(ours) <= 1.0


# ---- reporting -------------------------------------------------------------------------------------------------------
def machine(disk):
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    filesystem, source = output("stat", "-f", "-c", "%T", disk), output("df", "--output=source", disk).splitlines()[-1]
    changed = output("git", "-C", ROOT, "status", "--porcelain", "--", ".", ":!docs/benchmarks")
    commit = output("git", "-C", ROOT, "describe", "--always") + ("-dirty" if changed else "")
    return [
        f"- research-pacs {commit}, release build, default configuration but for what is named here; SQLite with synchronous FULL",
        f"- Orthanc {output('Orthanc', '--version').split()[1]}; {output('storescp', '--version').splitlines()[0].strip('$ ')}",
        f"- {platform.system()} {platform.release()}, {os.cpu_count()} cores, {cpu[1] if cpu else platform.machine()}",
        f"- disk: {filesystem} on {source}; RAM disk: tmpfs",
    ]


def report(date, rounds, instances, facts, limits, measured):
    judged = [one for bar, base, number, client, systems in measured for one in verdicts(bar, base, number, client, systems)]
    lines = [f"# Ingest, {date}", ""]
    for title, wanted in (("Not met", False), ("Met", True)):
        found = [f"- **{bar}** {text}" for bar, text, met in judged if met is wanted]
        lines += [f"## {title}", "", *(found or ["none"]), ""]
    lines += ["## Figures", "", f"{rounds} interleaved rounds of {instances} CT instances of about 526 kB; median (least–most).",
              f"CPU time is counted in ticks of 10 ms, so each figure per instance is exact to {10 / instances:.2g} ms.", "",
              "| bar | client | associations | system | instances/s | MB/s | CPU ms/instance | peak RSS MiB |", "|---|---|---|---|---|---|---|---|"]
    for bar, _, number, client, systems in measured:
        for name, rows in systems.items():
            cells = [spread([row[figure] for row in rows]) for figure in (RATE, "MB/s", CPU, MEMORY)]
            lines.append(f"| {bar} | {client} | {number} | {name} | {' | '.join(cells)} |")
    lines += ["", "`normal` is dcmtk's storescu; `quickack` is a pre-encoded sender that acknowledges at once, which leaves the wait of Nagle's",
              "algorithm against a delayed acknowledgement out. Every instance was counted at the end, ours compared with its digest.",
              "That a completed sync precedes each response is shown by the test `faults::sync::each_response_follows_a_completed_sync_of_the_spool`.",
              "", "## Machine", "", *facts, "", "```", limits, "```", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", type=Path, required=True, help="folder of the measuring tools")
    parser.add_argument("--disk", type=Path, default=ROOT / "target", help="folder on the disk to measure")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--instances", type=int, default=200, help="per patient, of which there are two")
    args = parser.parse_args()
    for tool in ("mkcorpus.py", "physlimits.py", "peers.py", "peerbench.py"):
        if not (args.judge / tool).is_file():
            parser.error(f"{tool} is not in {args.judge}")

    date = datetime.date.today().isoformat()
    out = ROOT / "docs/benchmarks" / f"ingest-{date}"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench", dir=args.disk) as disk, tempfile.TemporaryDirectory(prefix="bench", dir="/dev/shm") as ram:
        corpus = Path(ram) / "corpus"
        run(sys.executable, args.judge / "mkcorpus.py", corpus, "--patients", 2, "--instances", args.instances, "--modality", "CT",
            stdout=subprocess.DEVNULL)
        print("limits of the machine", flush=True)
        limits = output(sys.executable, args.judge / "physlimits.py", "--dir", disk)
        limits = "\n".join(line for line in limits.splitlines() if not line.startswith("{"))
        measured = []
        for bar, base, associations, on_ram in CASES:
            print(bar, flush=True)
            folder = Path(ram if on_ram else disk) / base
            folder.mkdir()
            for client, systems in measure(args.judge, base, associations, folder, corpus, 2 * args.instances, args.rounds).items():
                measured.append((bar, base, associations, client, systems))
                raw = {"bar": bar, "base": base, "associations": associations, "client": client, "rounds": args.rounds, "results": systems}
                (out / f"{bar.lower()}-{base}-{client}.json").write_text(json.dumps(raw, indent=1) + "\n")
            shutil.rmtree(folder)
        facts = machine(disk)
    text = report(date, args.rounds, 2 * args.instances, facts, limits, measured)
    (out.parent / f"{out.name}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
