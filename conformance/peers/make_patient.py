"""Writes one CT study that is valid enough to compute on: make_patient.py FOLDER --number N [options]

Three slices of one series with geometry and a frame of reference; Instance Numbers are N * 100 + 1 and so on, which tells the patients
apart at a partner. --charset latin, utf8 or japanese decides how the identity is written (PS3.3 C.12.1.1.2, PS3.5 Annex H). The same
arguments give the same bytes. Every identity is invented.
"""
import argparse
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT = "1.2.840.10008.5.1.4.1.1.2"
IDENTITY = {
    "latin": ("ISO_IR 100", "Grünwald^Jérôme", "Tête à tête", "Lefèvre^Zoé"),
    "utf8": ("ISO_IR 192", "Łękawska^Żaneta", "Głowa", "Šimůnek^Jiří"),
    "japanese": (["", "ISO 2022 IR 87"], "Hoshizora^Midori=星空^緑=ほしぞら^みどり", "頭部", "Tsukimi=月見"),
}


def uid(*names):
    return generate_uid(prefix="2.25.", entropy_srcs=["patient", *map(str, names)])


def slice_of(args, number):
    charset, name, description, physician = IDENTITY[args.charset]
    one = Dataset()
    one.SpecificCharacterSet = charset
    one.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    one.SOPClassUID, one.SOPInstanceUID = CT, uid(args.number, args.study, number)
    one.StudyDate = one.SeriesDate = one.AcquisitionDate = one.ContentDate = args.date
    one.StudyTime = one.SeriesTime = one.AcquisitionTime = one.ContentTime = "101500"
    one.AccessionNumber, one.Modality, one.Manufacturer = f"AC-{args.number}-{args.study}", "CT", "SCANNER MAKER"
    one.ReferringPhysicianName, one.StudyDescription, one.SeriesDescription = physician, description, "SLICES"
    one.PatientName, one.PatientID = args.name or name, f"HOSP-{args.number:04}"
    if not args.bare:
        one.IssuerOfPatientID, one.PatientAge, one.PatientWeight = "GENERAL", "051Y", "71.5"
    # nobody shares name and birth date with another by accident
    birth_date = args.birth_date or f"1975{args.number // 28 % 12 + 1:02}{args.number % 28 + 1:02}"
    one.PatientBirthDate, one.PatientSex = birth_date, "F"
    one.StudyInstanceUID, one.SeriesInstanceUID = uid(args.number, args.study), uid(args.number, args.study, "series")
    one.StudyID, one.SeriesNumber, one.AcquisitionNumber = "" if args.bare else f"S{args.number}", 3, 1
    one.InstanceNumber = args.number * 100 + number
    one.FrameOfReferenceUID, one.PositionReferenceIndicator = uid(args.number, args.study, "frame"), ""
    one.ImagePositionPatient, one.ImageOrientationPatient = [0, 0, 2.5 * number], [1, 0, 0, 0, 1, 0]
    one.PixelSpacing, one.SliceThickness, one.KVP = [0.5, 0.5], "2.5", "120"
    one.SamplesPerPixel, one.PhotometricInterpretation, one.Rows, one.Columns = 1, "MONOCHROME2", 32, 32
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.RescaleIntercept, one.RescaleSlope, one.RescaleType = "-1024", "1", "HU"
    one.PixelData = ((np.arange(32 * 32, dtype=np.uint16) * 3 + number + args.number * 7) % 4096).tobytes()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return one


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--charset", default="latin", choices=IDENTITY)
    parser.add_argument("--name", default="")
    parser.add_argument("--birth-date", default="")
    parser.add_argument("--date", default="20250611")
    parser.add_argument("--study", default="one")
    parser.add_argument("--images", type=int, default=3)
    parser.add_argument("--bare", action="store_true", help="without issuer, age and weight, with an empty Study ID")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, args.images + 1):
        slice_of(args, number).save_as(
            args.folder / f"{args.number}_{args.study}_{number}.dcm", enforce_file_format=True)


if __name__ == "__main__":
    main()
