"""CT slices of a head: heads.py make FOLDER, heads.py check ORIGINALS RECEIVED

`make` writes two series of four slices, one native and one in RLE Lossless, whose body part says nothing: their field of view is a
head's (PS3.3 C.7.6.2, C.7.6.3). `check` prints one JSON object for each received file: what it says of itself, and whether its samples
are those of the original with the box of deface.py black. Every identity is invented.
"""
import json
import sys
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from deface import BOX
from make_objects import CT, image, uid

SIDE = 64


def slices():
    for series, name in enumerate(["native", "rle"]):
        for number in range(4):
            one = image(f"head-{name}-{number}", CT, "CT", side=SIDE)
            one.PatientID, one.PatientName, one.PatientBirthDate = "MRN-0042", "Canarysson^Wilma", "19570301"
            one.StudyInstanceUID, one.SeriesInstanceUID = uid("heads"), uid("heads", name)
            one.SOPInstanceUID = uid("heads", name, number)
            one.file_meta = FileMetaDataset()
            one.file_meta.MediaStorageSOPClassUID, one.file_meta.MediaStorageSOPInstanceUID = CT, one.SOPInstanceUID
            one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            one.StudyDescription, one.SeriesDescription, one.ProtocolName = "", "", "2.7"
            one.FrameOfReferenceUID, one.InstanceNumber = uid("heads", "frame"), number + 1
            one.PixelSpacing, one.ImageOrientationPatient = [3.75, 3.75], [1, 0, 0, 0, 1, 0]
            one.ImagePositionPatient = [-120, -120, number * 5]
            one.RescaleIntercept, one.RescaleSlope, one.BitsStored, one.HighBit = -1024, 1, 12, 11
            samples = np.arange(SIDE * SIDE, dtype="<u2").reshape(SIDE, SIDE) % 3000 + 100 * number + series + 1
            one.PixelData = samples.tobytes()
            if name == "rle":
                one.compress(RLELossless, samples)
            yield name, number, one


def make(folder):
    for name, number, one in slices():
        one.save_as(folder / f"{name}-{number}.dcm", enforce_file_format=True)


def check(originals, received):
    top, bottom, left, right = BOX
    wanted = set()
    for path in originals.glob("*.dcm"):
        samples = dcmread(path).pixel_array.copy()
        samples[top:bottom, left:right] = 0
        wanted.add(samples.tobytes())
    for path in sorted(received.glob("*.dcm")):
        one = dcmread(path)
        whole = path.read_bytes()
        print(json.dumps({
            "features": one.get("RecognizableVisualFeatures"),
            "codes": [item.CodeValue for item in one.DeidentificationMethodCodeSequence],
            "method": list(one.DeidentificationMethod),
            "temporal": one.LongitudinalTemporalInformationModified,
            "defaced": one.pixel_array.tobytes() in wanted,
            "named": [name for name in ["Canarysson", "MRN-0042", "Somebody"] if name.encode() in whole],
            "syntax": one.file_meta.TransferSyntaxUID,
        }))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        check(Path(sys.argv[2]), Path(sys.argv[3]))
