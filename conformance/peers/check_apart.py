"""Judges whether what two partners hold can be joined (linkage `partner`): check_apart.py ONE TWO ARCHIVE...

ONE and TWO: the images as each partner holds them; each further folder: files whose UIDs and codes neither may hold. Fails with every
reason found: a code, UID or file hash that both have, a date of the same image that both have, images that are not the same pixels, a
graph of UIDs that differs, dates whose distances differ. Prints {"instances", "uids", "dates": how many were compared}.
"""
import hashlib
import json
import sys
from datetime import datetime
from pathlib import Path

import pydicom

STANDARD = "1.2.840.10008."
PROBLEMS = []


def demand(truth, text):
    if not truth:
        PROBLEMS.append(text)


def read(folder):
    return {path: pydicom.dcmread(path) for path in sorted(Path(folder).rglob("*")) if path.is_file() and pydicom.misc.is_dicom(path)}


def values(dataset, representations, path=()):
    """Each value of these representations, with its place."""
    for element in dataset:
        if element.VR == "SQ":
            for index, item in enumerate(element.value):
                yield from values(item, representations, (*path, element.tag, index))
        elif element.VR in representations and element.value:
            for index, value in enumerate(element.value if element.VM > 1 else [element.value]):
                yield (*path, element.tag, index), str(value)


def uids(dataset):
    return {place: value for place, value in values(dataset, ("UI",)) if not value.startswith(STANDARD)}


def dates(dataset):
    return {place: value[:8] for place, value in values(dataset, ("DA", "DT"))}


def codes(dataset):
    return {str(dataset.get(keyword)) for keyword in ("PatientID", "PatientName", "ClinicalTrialSubjectID")}


def disjoint(one, two, what):
    demand(not (one & two), f"{len(one & two)} {what} that both have")


def day(text):
    return datetime.strptime(text, "%Y%m%d")


def main():
    one, two, *others = map(read, sys.argv[1:])
    pairs = list(zip(sorted(one.values(), key=lambda of: of.InstanceNumber), sorted(two.values(), key=lambda of: of.InstanceNumber)))
    demand(one and len(one) == len(two), f"{len(one)} and {len(two)} instances")
    all_uids, all_codes, hashes = [], [], []
    for held in (one, two, *others):
        all_uids.append({uid for of in held.values() for uid in uids(of).values()})
        all_uids[-1] |= {of.file_meta.MediaStorageSOPInstanceUID for of in held.values()}
        all_codes.append({code for of in held.values() for code in codes(of)})
        hashes.append({hashlib.sha256(path.read_bytes()).hexdigest() for path in held})
    for at in range(1, len(all_uids)):
        for of in range(min(at, 2)):
            disjoint(all_uids[of], all_uids[at], "UIDs")
            disjoint(all_codes[of], all_codes[at], "codes")
            disjoint(hashes[of], hashes[at], "files")
    graph, back, shifts, compared = {}, {}, {}, 0
    for ours, theirs in pairs:
        demand(ours.InstanceNumber == theirs.InstanceNumber and ours.PixelData == theirs.PixelData, "other images")
        mine, yours = uids(ours), uids(theirs)
        demand(mine.keys() == yours.keys(), "UIDs at other places")
        for place in mine.keys() & yours.keys():
            same = graph.setdefault(mine[place], yours[place]) == yours[place] and back.setdefault(yours[place], mine[place]) == mine[place]
            demand(same, f"{place}: the graph of UIDs differs")
        mine, yours = dates(ours), dates(theirs)
        demand(mine.keys() == yours.keys(), "dates at other places")
        for place in mine.keys() & yours.keys():
            demand(mine[place] != yours[place], f"{place}: a date that both have")
            shifts.setdefault(str(ours.PatientID), set()).add((day(mine[place]) - day(yours[place])).days)
            compared += 1
        demand([value for _, value in values(ours, ("TM",))] == [value for _, value in values(theirs, ("TM",))], "times differ")
    demand(all(len(shift) == 1 for shift in shifts.values()), "distances between dates differ")
    if PROBLEMS:
        sys.exit("check_apart:\n" + "\n".join(PROBLEMS[:40]))
    print(json.dumps({"instances": len(pairs), "uids": len(graph), "dates": compared}))


if __name__ == "__main__":
    main()
