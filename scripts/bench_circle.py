#!/usr/bin/env python3
"""Measures de-identify and forward, end to end, against Orthanc's Lua pipeline: bar B-4.

  bench_circle.py --judge DIR [--disk DIR] [--rounds N] [--instances N]

DIR holds the measuring tools and their folder lua. The release build must be there. Ours runs with `export_mode = "eager"`, against the
script that works instance by instance. Raw figures and report go to docs/benchmarks/.
"""
import argparse
import contextlib
import datetime
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_ingest import OURS, free_port, machine, process, ratios, run, spread
from bench_site import ROOT, Site, eager_project


RATE, CPU, MEMORY = "end-to-end instances/s", "server CPU ms/instance", "server peak RSS MiB"
CLIENTS = {"normal": (), "quickack": ("--quickack",)}


@contextlib.contextmanager
def orthanc(judge, folder):
    port, http, sink = free_port(), free_port(), free_port()
    command = (sys.executable, judge / "peers.py", "orthanc", "--root", folder / "orthanc", "--port", port, "--http", http,
               "--lua", judge / "lua/instance.lua", "--modality", f"PARTNER:127.0.0.1:{sink}")
    with process(*command) as child:
        ready = re.match(r"ready pid=(\d+)", child.stdout.readline())
        if not ready:
            raise SystemExit("Orthanc did not start")
        yield f"name=orthanc-lua,port={port},aet=PEER,pid={ready[1]},partner={sink}"


@contextlib.contextmanager
def ours(folder):
    sink = free_port()
    site = Site(folder, "PEERBENCH", eager_project(sink))
    site.make_vault()
    with site.running() as (child, port):
        yield f"name={OURS},port={port},aet=P1,pid={child.pid},partner={sink}"


def report(date, rounds, instances, facts, measured):
    lines = [f"# De-identify and forward, {date}", ""]
    for client, systems in measured.items():
        rate, cpu = ratios(systems, RATE), [row[CPU] for row in systems[OURS]]
        met = statistics.median(rate) >= 5 and statistics.median(cpu) <= 2
        lines.append(f"- **B-4** {'met' if met else 'not met'}, {client} client: {spread(rate)} × the rate of Orthanc's Lua pipeline (≥ 5 asked), "
                     f"{spread(cpu)} ms CPU per instance (≤ 2 asked)")
    lines += ["", f"{rounds} interleaved rounds of {instances} CT instances of about 526 kB, 4 associations, default durability, `export_mode = \"eager\"`;",
              "median (least–most).", "", "| client | system | instances/s end to end | C-STORE instances/s | lag s | CPU ms/instance | peak RSS MiB |",
              "|---|---|---|---|---|---|---|"]
    for client, systems in measured.items():
        for name, rows in systems.items():
            columns = (RATE, "C-STORE instances/s", "lag after last C-STORE-RSP s", CPU, MEMORY)
            lines.append(f"| {client} | {name} | {' | '.join(spread([row[of] for row in rows]) for of in columns)} |")
    return "\n".join(lines + ["", "## Machine", "", *facts, ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", type=Path, required=True, help="folder of the measuring tools")
    parser.add_argument("--disk", type=Path, default=ROOT / "target", help="folder on the disk to measure")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--instances", type=int, default=100, help="per patient, of which there are two")
    args = parser.parse_args()
    date = datetime.date.today().isoformat()
    out = ROOT / "docs/benchmarks" / f"circle-{date}"
    out.mkdir(parents=True, exist_ok=True)
    measured = {}
    with tempfile.TemporaryDirectory(prefix="bench", dir=args.disk) as disk, tempfile.TemporaryDirectory(prefix="bench", dir="/dev/shm") as ram:
        corpus, raw = Path(ram) / "corpus", Path(ram) / "raw.json"
        run(sys.executable, args.judge / "mkcorpus.py", corpus, "--patients", 2, "--instances", args.instances, "--modality", "CT",
            stdout=subprocess.DEVNULL)
        for client, options in CLIENTS.items():
            folder = Path(disk) / client
            folder.mkdir()
            with orthanc(args.judge, folder) as first, ours(folder) as second:
                print(f"{client} client", flush=True)
                run(sys.executable, args.judge / "peerbench.py", "--system", first, "--system", second, "--rounds", args.rounds,
                    "--corpus", corpus, "--stage", "/dev/shm", "--associations", 4, "--test", "e2e", "--json", raw, *options,
                    stdout=subprocess.DEVNULL)
            measured[client] = next(iter(json.loads(raw.read_text())["results"].values()))
            shutil.copy(raw, out / f"b-4-{client}.json")
        facts = machine(disk)
    text = report(date, args.rounds, 2 * args.instances, facts, measured)
    (out.parent / f"{out.name}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
