#!/usr/bin/env python3
"""Our score on a generated corpus with an answer key: midi.py [--people N] [--slices N] [--profile NAME_OR_FILE] [--misses FILE]

Makes the corpus, de-identifies it with maps of UIDs and Patient IDs, and scores what came back (midi_make.py, midi_score.py). Ends as the
scorer does, or with 1 where dciodvfy finds an error that the source had not.
"""
import argparse
import collections
import concurrent.futures
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pydicom

import midi_output
import oracles
import ours

HERE = Path(__file__).resolve().parent


def run(people, slices, profile, misses=None, figures=None):
    """(lines, whether the bar is met)"""
    with tempfile.TemporaryDirectory(prefix="midi") as base:
        folder = Path(base)
        made = subprocess.run([sys.executable, str(HERE / "midi_make.py"), str(folder / "corpus"), "--people", str(people), "--slices", str(slices)],
                              check=True, capture_output=True, text=True)
        answer = ours.deid(folder / "corpus/in", folder / "out", profile=profile, key=ours.new_key(folder / "key"), report=folder / "report.jsonl",
                           uid_map=folder / "uid.csv", patient_map=folder / "patient.csv")
        if answer.crashed:
            return [f"not carried out: {answer.stderr.strip()[-500:]}"], False
        command = [sys.executable, HERE / "midi_score.py", folder / "corpus", folder / "out", "--uid-map", folder / "uid.csv", "--patient-map", folder / "patient.csv"]
        for option, path in (("--report", misses), ("--json", figures)):
            command += [option, path] if path else []
        scored = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        broken = new_errors(folder / "corpus/in", folder / "out", midi_output.map_of(folder / "uid.csv"))
        left = [f"left out: {Path(path).name}: {code}: {reason}" for path, (code, reason) in sorted(answer.left.items())]
        lines = [made.stdout.strip(), *left, *scored.stdout.splitlines(), *scored.stderr.splitlines()[-5:], f"{len(broken)} kinds of new dciodvfy errors"]
        return lines + broken, scored.returncode == 0 and not broken


def new_errors(source, output, uids):
    """dciodvfy's errors that came with the de-identification, each with the number of files."""
    def of(path):
        made = output / f"{uids.get(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID)}.dcm"
        return oracles.new_iod_errors(path, made) if made.exists() else []

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = collections.Counter(line for lines in pool.map(of, sorted(source.iterdir())) for line in lines)
    return [f"{count} files: {line}" for line, count in found.most_common()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--slices", type=int, default=15, help="of each volume")
    parser.add_argument("--profile", default=HERE / "midi.toml")
    parser.add_argument("--misses", type=Path, help="each miss as a line")
    args = parser.parse_args()
    lines, good = run(args.people, args.slices, args.profile, args.misses)
    print("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
