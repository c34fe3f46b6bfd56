"""Judges the dates of what came back (RC-03, RC-12): check_dates.py ORIGINALS PARTNER SENT PACS

PARTNER: the images as that partner holds them; ORIGINALS: the same as the modality sent them, told by Instance Number. A date that a result
in SENT has from the images has to be the original's at the PACS, its time as it was; each other one has to be as the partner wrote it. A
time zone that was removed is not invented. Fails with every reason found. Prints {"restored", "kept": how many dates}.
"""
import json
import sys
from pathlib import Path

import pydicom

PROBLEMS = []
# Written from the own record.
RECORD = (0x00080020, 0x00100030)


def demand(truth, text):
    if not truth:
        PROBLEMS.append(text)


def read(folder):
    return [pydicom.dcmread(path) for path in sorted(Path(folder).rglob("*")) if path.is_file() and pydicom.misc.is_dicom(path)]


def dates(dataset, path=()):
    for element in dataset:
        if element.VR == "SQ":
            for index, item in enumerate(element.value):
                yield from dates(item, (*path, element.tag, index))
        elif element.VR in ("DA", "DT") and element.value and (path or element.tag not in RECORD):
            yield (*path, element.tag), str(element.value)


def main():
    originals, partner, sent, pacs = map(read, sys.argv[1:])
    true = {}
    numbers = {one.InstanceNumber: one for one in originals}
    for image in partner:
        if image.Modality == "CT":
            shifted, real = image.StudyDate, numbers[image.InstanceNumber].StudyDate
            demand(shifted != real, "the partner has a date that was not shifted")
            demand(true.setdefault((image.PatientID, shifted), real) == real, "one shifted date stands for two")
            demand("TimezoneOffsetFromUTC" not in image, "the partner has the time zone")
    by_uid = {one.SOPInstanceUID: one for one in pacs}
    counts = {"restored": 0, "kept": 0}
    for one in sent:
        result = by_uid[one.SOPInstanceUID]
        demand("TimezoneOffsetFromUTC" not in result, "a time zone was invented")
        after = dict(dates(result))
        for path, value in dates(one):
            real = true.get((one.PatientID, value[:8]))
            counts["restored" if real else "kept"] += 1
            expected = (real or value[:8]) + value[8:]
            demand(after.get(path) == expected, f"{path}: {after.get(path)} for {value}, expected {expected}")
    if PROBLEMS:
        sys.exit("check_dates:\n" + "\n".join(PROBLEMS[:40]))
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
