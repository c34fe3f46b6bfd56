"""A defacing program: deface.py MODE INPUT OUTPUT

Reads a folder of images of one series and writes each, with a box of samples black, into another. MODE says what it does beside that:
`box` nothing, `drop` leaves one out, `shift` moves all by a millimetre, `hang` never ends, `identity` writes somebody else's name.
"""
import sys
import time
from pathlib import Path

from pydicom import dcmread

# top, bottom, left, right
BOX = (4, 24, 16, 48)


def main(mode, source, target):
    paths = sorted(source.iterdir())
    if mode == "hang":
        time.sleep(3600)
    for path in paths[1:] if mode == "drop" else paths:
        one = dcmread(path)
        # whoever cannot decode reads it as well
        assert not one.file_meta.TransferSyntaxUID.is_compressed
        samples = one.pixel_array.copy()
        top, bottom, left, right = BOX
        samples[top:bottom, left:right] = 0
        one.PixelData = samples.tobytes()
        if mode == "shift":
            one.ImagePositionPatient = [float(one.ImagePositionPatient[0]) + 1, *one.ImagePositionPatient[1:]]
        if mode == "identity":
            one.PatientName, one.PatientID, one.StudyInstanceUID = "Somebody^Else", "MRN-6666", "1.2.3.4"
            one.InstitutionName = "Somebody's hospital"
        one.save_as(target / f"defaced {path.name}", enforce_file_format=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
