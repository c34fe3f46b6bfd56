#!/usr/bin/env python3
"""Ours beside other de-identifiers, in one run: canary leaks, the score of the answer key, CPU per CT file of 512 KiB.

  side_by_side.py JUDGE [--rounds N] [--files N] [--only NAME]

JUDGE holds make_canary.py, mkcorpus.py and peers.py. Rounds are interleaved; the files are on a RAM disk; the base is a plain copy. Ends
with 1 when a tool leaks less than ours or ours leaks at all.
"""
import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import pydicom

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

import midi_score
import options
import peer_tools

OURS, BASE = "research-pacs", "plain copy"
RAM = "/dev/shm"


def emptied(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def whole(tool, source, output, folder):
    """Runs the tool on the folder; where it stops early, file by file, so that one file it cannot take does not hide the others."""
    tool.run(source, emptied(output))
    count = len(list(source.iterdir()))
    if len(list(output.rglob("*.dcm"))) >= count or not isinstance(tool, peer_tools.Command):
        return
    emptied(output)
    for path in sorted(source.iterdir()):
        shutil.copy(path, emptied(folder / "one") / path.name)
        tool.run(folder / "one", emptied(folder / "two"))
        for made in (folder / "two").rglob("*.dcm"):
            shutil.copy(made, output / f"{path.stem}-{made.name}")


def leaks(judge, canary, output, folder):
    """Figures of the canary check."""
    report = options.judged(judge, canary, output, (), folder)
    rows = report["categories"]
    required = [row for category, row in rows.items() if not category.startswith("beyond-") and category not in ("overlay-label", "burned-in")]
    total = sum(row["total"] for row in required)
    leaked = sum(row["leaked"] for row in required)
    return {"files": report["files_back"], "leaked": leaked, "of": total, "wrong": len(report["wrong"]), "lost": sum(report["lost"].values())}


def corpora(judge, folder, files):
    """(canary, answer-key corpus, flat folder of CT files)"""
    call = lambda *command: subprocess.run([sys.executable, *map(str, command)], check=True, stdout=subprocess.DEVNULL)
    canary, key, made, flat = (folder / name for name in ("canary", "key", "made", "flat"))
    call(judge / "make_canary.py", "make", canary)
    call(HERE / "midi_make.py", key, "--people", 6, "--slices", 3)
    call(judge / "mkcorpus.py", made, "--patients", 2, "--instances", files // 2, "--modality", "CT")
    flat.mkdir()
    for number, path in enumerate(sorted(made.rglob("*.dcm"))):
        path.rename(flat / f"{number:05}.dcm")
    shutil.rmtree(made)
    study = emptied(folder / "study")
    for path in canary.glob("*.dcm"):
        shutil.copy(path, study)
    return canary, key, flat


def compare(judge, rounds, files, only=None):
    """{tool: figures}"""
    found = {}
    with tempfile.TemporaryDirectory(prefix="side", dir=RAM) as base:
        folder = Path(base)
        canary, key, flat = corpora(judge, folder, files)
        chosen = [tool for tool in peer_tools.tools(judge, folder) if only in (None, tool.name) or tool.name == BASE]
        for tool in chosen:
            found[tool.name] = {"ms": []}
        for turn in range(rounds + 1):
            for tool in chosen[turn % len(chosen):] + chosen[:turn % len(chosen)]:
                with tool.ready(folder):
                    if turn == 0 and tool.name != BASE:
                        whole(tool, folder / "study", folder / "out", folder)
                        found[tool.name].update(leaks(judge, canary, folder / "out", folder))
                        whole(tool, key / "in", folder / "out", folder)
                        found[tool.name]["key"] = midi_score.score(key, folder / "out")[0].total
                    elif turn:
                        spent = tool.run(flat, emptied(folder / "out"))
                        back = sum(1 for path in (folder / "out").rglob("*") if path.is_file())
                        found[tool.name]["ms"].append(1000 * spent / files if back == files else None)
                print(f"   round {turn}, {tool.name}", flush=True)
    return found


def markdown(found, files):
    """The table; a round in which not every file came back has no figure."""
    base = statistics.median(found[BASE]["ms"])
    lines = ["| tool | required leaks | % | wrong actions | harmless lost | files back | answer key, % | CPU ms per CT | × copy |", "|---|---|---|---|---|---|---|---|---|"]
    for name, row in sorted(found.items(), key=lambda pair: pair[1].get("leaked", -1)):
        times = [ms for ms in row["ms"] if ms is not None]
        cost = f"{statistics.median(times):.2f} ({min(times):.2f}–{max(times):.2f}) | {statistics.median(times) / base:.1f}" if times else "not all files | –"
        if name == BASE:
            lines.append(f"| {name} | | | | | {files} | | {cost} |")
        else:
            lines.append(f"| {name} | {row['leaked']} of {row['of']} | {100 * row['leaked'] / max(1, row['of']):.1f} | {row['wrong']} | {row['lost']} | {row['files']} "
                         f"| {row['key']:.2f} | {cost} |")
    return lines


def best(found):
    """Whether ours leaks nothing."""
    return found.get(OURS, {}).get("leaked") == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judge", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--only", metavar="NAME", help="one tool, and the copy")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    found = compare(args.judge, args.rounds, args.files, args.only)
    print("\n".join(markdown(found, args.files)))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))
    return 0 if best(found) or args.only else 1


if __name__ == "__main__":
    sys.exit(main())
