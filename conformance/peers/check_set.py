"""Compares what was sent to us with what we gave to a partner: check_set.py ORIGINALS RECEIVED

Fails, with the reason, unless every original is there exactly once (paired by Instance Number within the originals' study), the map of
UIDs is a one-to-one function over both sets (so that the graph of references is isomorphic), standard UIDs stand unchanged, pixels are
equal and the attributes of PS3.15 E.2 are there. Prints {"files", "codes": {Patient ID: code}, "uids": {original: new},
"references": mapped UIDs that point at an instance of the set, "trial": values of the Clinical Trial module}.
"""
import json
import sys
from pathlib import Path

import pydicom

STANDARD = "1.2.840.10008."
NOT_MAPPED = {"TransferSyntaxUID", "SOPClassUID", "ReferencedSOPClassUID"}


def read(folder):
    found = []
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file() and pydicom.misc.is_dicom(path):
            found.append(pydicom.dcmread(path))
    return found


def pixels(one):
    return bytes(one.get("PixelData", b""))


def uids(dataset, path=()):
    """Each UID by its path."""
    for element in dataset:
        if element.VR == "SQ":
            for index, item in enumerate(element.value):
                yield from uids(item, (*path, element.tag, index))
        elif element.VR == "UI" and element.value:
            values = element.value if element.VM > 1 else [element.value]
            for index, value in enumerate(values):
                yield (*path, element.tag, index), str(value)


def demand(truth, text):
    if not truth:
        sys.exit(f"check_set: {text}")


def compare(originals, received):
    by_number = {}
    for one in received:
        # what tells two sets apart at the partner is its own study
        by_number.setdefault((one.PatientID, one.StudyInstanceUID, int(one.InstanceNumber)), []).append(one)
    for key, same in by_number.items():
        demand(len(same) == 1, f"instance {key[2]} of a study is there {len(same)} times")
    forward, codes, trial = {}, {}, set()
    left = dict(by_number)
    for original in originals:
        match = [key for key, (one,) in left.items()
                 if key[2] == int(original.InstanceNumber) and pixels(one) == pixels(original)
                 and one.SOPClassUID == original.SOPClassUID
                 and codes.get(original.PatientID, one.PatientID) == one.PatientID
                 and forward.get(original.StudyInstanceUID, one.StudyInstanceUID) == one.StudyInstanceUID]
        demand(match, f"instance {original.InstanceNumber} is not at the partner with its pixels")
        one, = left.pop(match[0])
        codes[original.PatientID] = one.PatientID
        demand(one.PatientIdentityRemoved == "YES", "(0012,0062)")
        demand(one.DeidentificationMethodCodeSequence[0].CodeValue == "113100", "(0012,0064)")
        trial.add((one.get("ClinicalTrialSponsorName", ""), one.get("ClinicalTrialProtocolID", ""),
                   one.get("ClinicalTrialSubjectID") == one.PatientID))
        demand(one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID, "(0002,0003)")
        before = dict(uids(original))
        for path, new in uids(one):
            old = before.get(path)
            if old is None:
                continue
            if old.startswith(STANDARD):
                demand(old == new, f"standard UID {old} became {new}")
            else:
                demand(old != new, "an original UID is still there")
                demand(forward.setdefault(old, new) == new, "one UID was mapped to two")
    demand(not left, f"{len(left)} instances are at the partner that nobody sent")
    demand(len(set(forward.values())) == len(forward), "two UIDs were mapped to one")
    instances = {one.SOPInstanceUID for one in received}
    references = sum(1 for one in received for path, value in uids(one) if len(path) > 2 and value in instances)
    originals_at = {one.SOPInstanceUID for one in originals}
    expected = sum(1 for one in originals for path, value in uids(one) if len(path) > 2 and value in originals_at)
    return {"files": len(originals), "codes": codes, "uids": forward, "references": references,
            "references_before": expected, "trial": sorted(trial)}


if __name__ == "__main__":
    print(json.dumps(compare(read(sys.argv[1]), read(sys.argv[2]))))
