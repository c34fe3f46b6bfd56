#!/usr/bin/env python3
"""Each option of PS3.15 E.3 on its own, and ten combinations chosen for their conflicts, on the judge's canary study.

  options.py JUDGE [--only NAME] [--json FILE]

JUDGE holds make_canary.py. Asked for in each row: no required leak, no wrong action, no harmless attribute lost, all files back, links
kept, nothing left beyond the table but what an option keeps, and markers that say what was done and nothing else. Full and modified dates
together have to be refused. Prints a table; ends with 1 when anything is wrong.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pydicom

import markers
import ours

# PS3.15 E.3.6: the two exclude each other.
REFUSED = ("retain_longitudinal_full_dates", "retain_longitudinal_modified_dates")
CLEAN = ("clean_pixel_data", "clean_graphics", "clean_structured_content", "clean_descriptors")
RETAIN = ("retain_uids", "retain_device_identity", "retain_institution_identity", "retain_patient_characteristics", "retain_safe_private")
COMBINATIONS = {
    "modified dates + device": ("retain_longitudinal_modified_dates", "retain_device_identity"),
    "UIDs + structured content": ("retain_uids", "clean_structured_content"),
    "safe private + descriptors": ("retain_safe_private", "clean_descriptors"),
    "full dates + structured + UIDs": ("retain_longitudinal_full_dates", "clean_structured_content", "retain_uids"),
    "full dates + device + patient": ("retain_longitudinal_full_dates", "retain_device_identity", "retain_patient_characteristics"),
    "pixels + graphics + private": ("clean_pixel_data", "clean_graphics", "retain_safe_private"),
    "TCIA": ("clean_pixel_data", "clean_descriptors", "retain_longitudinal_modified_dates", "retain_patient_characteristics", "retain_safe_private"),
    "all clean": CLEAN,
    "all retain, full dates": (*RETAIN, "retain_longitudinal_full_dates"),
    "all, modified dates": (*CLEAN, *RETAIN, "retain_longitudinal_modified_dates"),
}
# Categories beyond the table that an option keeps on purpose (deidentification beyond the table follows the option of its kind).
KEPT_BEYOND = {"beyond-UI": "retain_uids", "beyond-date": "retain_longitudinal_full_dates"}
# Short text beyond the table is device and protocol words: it stays, unless it repeats the identity.
REPORTED_ONLY = {"beyond-text-short"}


def required_beyond(category, options):
    if category == "burned-in":
        return "clean_pixel_data" in options
    return category not in REPORTED_ONLY and KEPT_BEYOND.get(category) not in options


def judged(judge, canary, output, options, folder):
    """What make_canary.py says, as it writes it to JSON."""
    names = [column for option in options if (column := ours.OPTIONS[option][1])]
    command = [sys.executable, judge / "make_canary.py", "check", canary, output, "--json", folder / "report.json"]
    done = subprocess.run([*map(str, command), *(["--options", ",".join(names)] if names else [])], capture_output=True, text=True)
    if done.returncode not in (0, 1, 2):
        raise SystemExit(f"make_canary.py check failed: {done.stderr}")
    return json.loads((folder / "report.json").read_text())


def problems(report, options, output, files):
    """One line for each thing that is wrong."""
    found = [f"{files - report['files_back']} files missing"] if report["files_back"] < files else []
    for category, row in report["categories"].items():
        beyond = category.startswith("beyond-") or category in ("overlay-label", "burned-in")
        if row["leaked"] and (not beyond or required_beyond(category, options)):
            found.append(f"{row['leaked']} of {category} leak")
    for number, path, action, state in report["wrong"][:20]:
        found.append(f"file {number} {path}: {action}, but {state}")
    found += [f"file {number} {path} ({name}) leaks: {action}" for number, category, path, name, action in report["leaks"]
              if not category.startswith("beyond-") and category not in ("overlay-label", "burned-in")][:20]
    found += [f"harmless {keyword} lost {count} times" for keyword, count in report["lost"].items()]
    found += [f"link broken: {name}" for name, good in report["links"].items() if good is False or good == "reference gone"]
    for path in sorted(output.glob("*.dcm")):
        found += [f"file {pydicom.dcmread(path).get('InstanceNumber')}: {what}" for what in markers.wrong(pydicom.dcmread(path), options)]
    return found


def row(judge, canary, name, options, folder, files):
    """(columns of the table, problems) of one choice of options."""
    output = folder / "out"
    answer = ours.deid(canary, output, profile="basic" if options else None, options=options, key=ours.new_key(folder / "key"))
    if answer.crashed:
        return [name, *["–"] * 8], [f"{name}: not carried out: {answer.stderr.strip()[-200:]}"]
    report = judged(judge, canary, output, options, folder)
    rows = report["categories"]
    required = [category for category in rows if not category.startswith("beyond-") and category not in ("overlay-label", "burned-in")]
    beyond = {category: rows.get(category, {"leaked": 0})["leaked"] for category in
              ("beyond-PN", "beyond-UI", "beyond-date", "beyond-text-long", "beyond-text-short", "overlay-label", "burned-in")}
    wrong = problems(report, options, output, files)
    marked = sum(1 for line in wrong if markers.NAME in line)
    cells = [name, report["files_back"], sum(rows[category]["leaked"] for category in required), len(report["wrong"]), sum(report["lost"].values()),
             marked, " ".join(str(count) for count in beyond.values()), sum(rows[category]["total"] for category in required), "good" if not wrong else "wrong"]
    return cells, [f"{name}: {line}" for line in wrong] + [f"{name}: left out: {code}, {reason}" for code, reason in answer.left.values()]


def choices(only):
    every = {"basic": (), **{option: (option,) for option in ours.OPTIONS}, **COMBINATIONS}
    return {name: options for name, options in every.items() if only is None or name == only}


def run(judge, only=None):
    """(rows of the table, problems)"""
    rows, wrong = [], []
    with tempfile.TemporaryDirectory(prefix="options") as base:
        canary = Path(base) / "canary"
        subprocess.run([sys.executable, str(judge / "make_canary.py"), "make", str(canary)], check=True, stdout=subprocess.DEVNULL)
        files = len(list(canary.glob("*.dcm")))
        for name, options in choices(only).items():
            with tempfile.TemporaryDirectory(dir=base) as folder:
                cells, lines = row(judge, canary, name, options, Path(folder), files)
            rows.append(cells)
            wrong += lines
        with tempfile.TemporaryDirectory(dir=base) as folder:
            both = ours.deid(canary, Path(folder) / "out", profile="basic", options=REFUSED)
            if both.status != 2 or (Path(folder) / "out").exists():
                wrong.append(f"full and modified dates together: not refused (status {both.status})")
    return rows, wrong


HEADER = ["options", "files", "leaks", "wrong", "lost", "markers", "beyond: PN UI dates long short overlay burned", "canaries", ""]


def markdown(rows):
    lines = [f"| {' | '.join(HEADER)} |", "|" + "---|" * len(HEADER)]
    return lines + [f"| {' | '.join(map(str, cells))} |" for cells in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judge", type=Path)
    parser.add_argument("--only", help="one row of the table")
    args = parser.parse_args()
    rows, wrong = run(args.judge, args.only)
    print("\n".join([*markdown(rows), "", *wrong, "", f"{len(rows)} choices of options, {len(wrong)} problems"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
