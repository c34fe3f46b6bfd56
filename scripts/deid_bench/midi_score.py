#!/usr/bin/env python3
"""Scores a de-identifier's output against the answer key of midi_make.py.

  midi_score.py CORPUS OUTPUT [--uid-map CSV --patient-map CSV] [--report FILE] [--json FILE]

The maps are the tool's own (id_old,id_new); of a tool that gives none they are derived from its output. Prints per kind and per category how
much is right; the report has each miss as a line. Ends with 1 below 99.93 %, at any failure of kinds 4 to 10, or where the dates of a
participant were not moved by one shift.
"""
import argparse
import collections
import concurrent.futures
import datetime
import json
import os
import sys
import warnings
from pathlib import Path

import pydicom

import midi_output
from midi_checks import judge
from midi_key import KINDS, STRICT

# The best published score of MIDI-B, per cent.
BAR = 99.93


def day(text):
    try:
        return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def shifts(key, outputs):
    """Participants whose dates were not all moved by one number of days, not zero; the birth date has no part in it."""
    found = collections.defaultdict(set)
    for instance in key["instances"]:
        ds = outputs.get(instance["number"])
        for check in instance["checks"] if ds is not None else ():
            if check["kind"] == "date_shifted" and check["at"] != "(0010,0030)" and len(check["old"]) == 8:
                element = midi_output.element(ds, check["at"])
                if element is not None and element.VR in ("DA", "DT") and (now := day(str(element.value))):
                    found[instance["person"]].add((now - day(check["old"])).days)
    return sorted(person for person, days in found.items() if len(days) != 1 or 0 in days)


def table(title, rows):
    lines = [f"{title:20}{'n':>8}{'right':>12}{'wrong':>8}{'share':>10}"]
    for name, (count, right, wrong) in rows.items():
        lines.append(f"{name:20}{count:8}{right:12.2f}{wrong:8}{100 * right / count if count else 100:9.2f}%")
    return lines


class Score:
    def __init__(self):
        self.kinds = {kind: [0, 0.0, 0] for kind in KINDS}
        self.categories = {}
        self.misses = []

    def add(self, instance, check, share, found):
        for row in (self.kinds[check["kind"]], self.categories.setdefault(check["category"], [0, 0.0, 0])):
            row[0], row[1], row[2] = row[0] + 1, row[1] + share, row[2] + (share < 1)
        if share < 1:
            self.misses.append(f"{instance['path']} {check['kind']} {check['at']}: {found}")

    @property
    def total(self):
        return 100 * sum(row[1] for row in self.kinds.values()) / sum(row[0] for row in self.kinds.values())

    @property
    def strict_failures(self):
        return sum(self.kinds[kind][2] for kind in STRICT)


def score(corpus, output, uid_map=None, patient_map=None):
    """(score, participants whose dates are inconsistent, files back)"""
    key, outputs, result = json.loads((corpus / "key.json").read_text()), midi_output.read(output), Score()
    instances = key["instances"]
    maps = {"uid": midi_output.map_of(uid_map) if uid_map else midi_output.derived_map(instances, outputs, "uid_consistent"),
            "patient": midi_output.map_of(patient_map) if patient_map else midi_output.derived_map(instances, outputs, "patid_consistent")}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        judged = pool.map(lambda instance: judge(instance, outputs.get(instance["number"]), maps), instances)
        for instance, rows in zip(instances, judged):
            for check, share, found in rows:
                result.add(instance, check, share, found)
    return result, shifts(key, outputs), len(outputs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--uid-map", type=Path)
    parser.add_argument("--patient-map", type=Path)
    parser.add_argument("--report", type=Path, help="each miss as a line")
    parser.add_argument("--json", type=Path, help="the figures")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    result, unsteady, back = score(args.corpus, args.output, args.uid_map, args.patient_map)
    print("\n".join([f"{back} files back", *table("kind", result.kinds), *table("category", result.categories)]))
    good = result.total >= BAR and not result.strict_failures and not unsteady
    print(f"total {result.total:.2f} % ({BAR} asked), {result.strict_failures} failures in kinds 4 to 10; dates of participants {unsteady or 'none'} "
          f"not moved by one shift: {'met' if good else 'not met'}")
    if args.report:
        args.report.write_text("\n".join(result.misses) + "\n")
    if args.json:
        args.json.write_text(json.dumps({"total": result.total, "files": back, "kinds": result.kinds, "categories": result.categories,
                                         "strict_failures": result.strict_failures, "unsteady": unsteady}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
