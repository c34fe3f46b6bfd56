#!/usr/bin/env python3
"""Judges de-identification as a whole, and writes docs/benchmarks/deid-DATE.md.

  bench.py JUDGE [--rounds N] [--files N] [--only key,options,mixed,peers,pixels]

JUDGE is the folder of make_canary.py, mkcorpus.py, deidcheck.py and peers.py, which are run as they are. The release build must be there.
Steps: the answer key of midi.py, each option and ten combinations (options.py), the mixed corpus (mixed.py), side by side with other
de-identifiers (side_by_side.py), masking and recognition (pixel_speed.py). Raw figures and every miss go to docs/benchmarks/deid-DATE/.
Ends with 1 when a bar is not met.
"""
import argparse
import datetime
import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pydicom

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

import midi
import mixed
import options
import ours
import peer_tools
import pixel_speed
import side_by_side
from bench_ingest import machine

STEPS = ("key", "options", "mixed", "peers", "pixels")
# Bar B-5: de-identification alone against a plain copy.
BAR = 2
MICROSECONDS = {"ns": 0.001, "µs": 1, "ms": 1000, "s": 1e6}


def fenced(lines):
    return ["```", *lines, "```", ""]


def step_key(args, out):
    lines, good = midi.run(24, 15, HERE / "midi.toml", out / "key-misses.txt", out / "key.json")
    return "99.93 % of the answer key, no failure of removal", good, fenced(lines)


def step_options(args, out):
    rows, wrong = options.run(args.judge)
    (out / "options.txt").write_text("\n".join(wrong) + "\n")
    text = [*options.markdown(rows), "", f"{len(wrong)} problems"]
    return "each option and ten combinations: no leak, nothing wrong, nothing lost, markers right", not wrong, [*text, *fenced(wrong[:40])]


def step_mixed(args, out):
    lines, good = mixed.run(args.judge)
    return "mixed corpus of 300 instances and more: all checks pass, burned-in text included", good, fenced(lines)


def step_peers(args, out):
    found = side_by_side.compare(args.judge, args.rounds, args.files)
    (out / "side-by-side.json").write_text(json.dumps(found, indent=1) + "\n")
    ratio, measured = alone()
    named = ", ".join(f"{tool} {version}" for tool, version in sorted(peer_tools.versions().items()))
    text = [f"{args.rounds} interleaved rounds of {args.files} CT files of about 526 kB on a RAM disk; median (least–most) of user and system time of the",
            "process tree, start included, files in one call. The figure of ours includes reading the identity and the search of the output (two",
            f"more readings), which no other tool does. Tools: {named}. The answer key here is of 6 people.", "",
            *side_by_side.markdown(found, args.files), "",
            f"De-identification alone, without that search, by `make bench-deidentification`: {ratio:.2f} × a plain copy (bar B-5: ≤ {BAR}).", "", *fenced(measured)]
    return f"side by side: no leak of ours; de-identification alone ≤ {BAR} × a plain copy (B-5)", side_by_side.best(found) and ratio <= BAR, text


def alone():
    """(de-identification to copy, lines) of the bench of the crate: medians, the worse of the basic profile and of one with many options."""
    done = subprocess.run(["cargo", "bench", "--quiet", "-p", "deidentification", "--bench", "deidentify"], cwd=ours.ROOT, capture_output=True, text=True,
                          env={**peer_tools.ENVIRONMENT, "TMPDIR": "/dev/shm"}, check=True)
    lines = [line for line in done.stdout.splitlines() if "│" in line]
    median = {}
    for line in lines:
        name = re.search(r"[├╰]─\s+(\w+)", line)
        times = re.findall(r"([\d.]+) (ns|µs|ms|s)\b", line)
        if name and len(times) >= 3:
            median[name[1]] = float(times[2][0]) * MICROSECONDS[times[2][1]]
    return max(median["deidentify_file_to_file"], median["with_many_options"]) / median["a_plain_copy"], lines


def step_pixels(args, out):
    return None, True, pixel_speed.run(args.judge)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judge", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--only", default=",".join(STEPS))
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    date = datetime.date.today().isoformat()
    out = ours.ROOT / "docs/benchmarks" / f"deid-{date}"
    out.mkdir(parents=True, exist_ok=True)
    verdicts, parts, all_good = [], [], True
    for name in args.only.split(","):
        print(f"step {name}", flush=True)
        claim, good, text = globals()[f"step_{name}"](args, out)
        all_good &= good
        verdicts += [f"- {'met' if good else '**not met**'}: {claim}"] if claim else []
        parts += [f"## {name}", "", *text, ""]
    report = [f"# De-identification, {date}", "", *verdicts, "", *parts, "## Machine", "", *machine("/dev/shm"), ""]
    (out.parent / f"{out.name}.md").write_text("\n".join(report))
    print("\n".join(report))
    return 0 if all_good else 1


if __name__ == "__main__":
    sys.exit(main())
