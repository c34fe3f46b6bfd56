"""Judges an auditor's map: check_map.py PATIENTS UIDS ORIGINALS HELD. HELD: what a partner (or the archive) has; ORIGINALS: what was sent.

Each held image must be, by the two CSV files, the original with the same pixels: its Patient ID, and its study, series and instance UIDs.
Nothing else may be in the Patient IDs. Prints {"images", "patients"}.
"""
import csv
import hashlib
import json
import sys
from pathlib import Path

import pydicom

KEYWORDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def images(folder):
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file() and pydicom.misc.is_dicom(path):
            dataset = pydicom.dcmread(path)
            found[hashlib.sha256(dataset.PixelData).hexdigest()] = dataset
    return found


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return {row["id_new"]: row["id_old"] for row in csv.DictReader(file)}


def main():
    patients, uids = table(sys.argv[1]), table(sys.argv[2])
    originals, held = images(sys.argv[3]), images(sys.argv[4])
    for pixels, image in held.items():
        original = originals[pixels]
        if patients[image.PatientID] != original.PatientID.strip():
            raise SystemExit(f"{image.PatientID} is not the code of the patient of these pixels")
        for keyword in KEYWORDS:
            if uids[image[keyword].value] != original[keyword].value:
                raise SystemExit(f"{keyword} of the held image leads to another original")
    if set(patients) != {image.PatientID for image in held.values()}:
        raise SystemExit("codes of others are in the map")
    print(json.dumps({"images": len(held), "patients": len(patients)}))


if __name__ == "__main__":
    main()
