#!/usr/bin/env python3
"""The judge's mixed corpus (CT, MR, CR, DX, US, SR, SEG, RTSTRUCT), de-identified with pixel cleaning and searched by deidcheck.py.

  mixed.py JUDGE [--profile NAME] [--option NAME]...

JUDGE holds mkcorpus.py and deidcheck.py. Ends with 1 when a check fails or fewer than 300 instances were there.
"""
import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ours

LEAST = 300
CORPUS = ("--patients", 10, "--studies", 2, "--instances", 32, "--modality", "CT,MR,CR,DX,US", "--derived", "SR,SEG,RTSTRUCT", "--frames", 4)


def run(judge, profile=None, options=("clean_pixel_data",)):
    """(lines of deidcheck.py and ours, whether all is good)"""
    with tempfile.TemporaryDirectory(prefix="mixed") as base:
        corpus, output = Path(base) / "corpus", Path(base) / "out"
        subprocess.run([sys.executable, str(judge / "mkcorpus.py"), str(corpus), *map(str, CORPUS)], check=True, stdout=subprocess.DEVNULL)
        instances = len(list(corpus.rglob("*.dcm")))
        begun = time.monotonic()
        answer = ours.deid(corpus, output, profile=profile, options=options, key=ours.new_key(Path(base) / "key"))
        seconds = time.monotonic() - begun
        if answer.crashed:
            return [f"not carried out: {answer.stderr.strip()[-300:]}"], False
        check = subprocess.run([sys.executable, "-W", "ignore", str(judge / "deidcheck.py"), str(corpus), str(output)], capture_output=True, text=True)
        lines = [f"{instances} instances, {answer.summary['done']} de-identified in {seconds:.1f} s", *(check.stdout + check.stderr[-500:]).splitlines()]
        lines += sorted({f"left out: {code}: {re.sub(r'[0-9]+', 'n', reason)}" for code, reason in answer.left.values()})
        return lines, check.returncode == 0 and instances >= LEAST


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judge", type=Path)
    parser.add_argument("--profile")
    parser.add_argument("--option", action="append", metavar="NAME", help="clean_pixel_data without any")
    args = parser.parse_args()
    lines, good = run(args.judge, args.profile, args.option or ([] if args.profile else ["clean_pixel_data"]))
    print("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
