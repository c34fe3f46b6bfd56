#!/usr/bin/env python3
"""Frames a second of masking and recognition on ultrasound clips with burned-in text: pixel_speed.py JUDGE [--rounds N]

JUDGE holds mkcorpus.py. The same clips are de-identified without a pixel option and with Clean Pixel Data, in turns, on a RAM disk.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ours

CLIPS = ("--patients", 5, "--projections", 4, "--modality", "US", "--frames", 10)
FRAMES = 10
CASES = {"headers only": (), "clean_pixel_data": ("clean_pixel_data",)}


def once(corpus, options):
    """(wall seconds, CPU seconds, files done)"""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        before, begun = os.times(), time.monotonic()
        answer = ours.deid(corpus, Path(folder) / "out", options=options)
        after = os.times()
        if answer.crashed:
            raise SystemExit(f"not carried out: {answer.stderr[-300:]}")
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        return time.monotonic() - begun, cpu, answer.summary["done"]


def run(judge, rounds=3):
    """Lines of a table."""
    with tempfile.TemporaryDirectory(prefix="pixels", dir="/dev/shm") as base:
        corpus = Path(base) / "corpus"
        subprocess.run([sys.executable, str(judge / "mkcorpus.py"), str(corpus), *map(str, CLIPS)], check=True, stdout=subprocess.DEVNULL)
        files = len(list(corpus.rglob("*.dcm")))
        measured = {name: [] for name in CASES}
        for _ in range(rounds):
            for name, options in CASES.items():
                measured[name].append(once(corpus, options))
    lines = [f"{files} clips of {FRAMES} frames, 640 x 480, grey, each frame with a line of text; median of {rounds} interleaved rounds.", "",
             "| | files done | frames/s | CPU ms per frame |", "|---|---|---|---|"]
    for name, rows in measured.items():
        wall, cpu = (statistics.median(row[column] for row in rows) for column in (0, 1))
        lines.append(f"| {name} | {rows[0][2]} of {files} | {files * FRAMES / wall:.0f} | {1000 * cpu / files / FRAMES:.2f} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judge", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print("\n".join(run(args.judge, args.rounds)))


if __name__ == "__main__":
    main()
