#!/usr/bin/env python3
"""Our score on a generated corpus with an answer key: midi.py [--people N] [--slices N] [--profile NAME_OR_FILE] [--misses FILE]

Makes the corpus, de-identifies it with maps of UIDs and Patient IDs, and scores what came back (midi_make.py, midi_score.py). Ends as the
scorer does.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

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
        left = [f"left out: {Path(path).name}: {code}: {reason}" for path, (code, reason) in sorted(answer.left.items())]
        return [made.stdout.strip(), *left, *scored.stdout.splitlines(), *scored.stderr.splitlines()[-5:]], scored.returncode == 0


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
