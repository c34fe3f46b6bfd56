"""Writes one study: make_study.py FOLDER --patient ID [--study NAME] [--images N] [--first K] [--references] [--without-patient-id]
    [--in-study-of PATIENT] [--marked]

CT images with instance numbers from K; with --references a segmentation and a structure set that point at them (PS3.3 C.7.6.1.1.4,
C.8.8.5); with --marked, Patient Identity Removed (PS3.3 C.7.1.1) says so, and no name or birth date contradicts it. The same arguments give the same bytes. Every identity is invented.
"""
import argparse
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from make_objects import CT, RTSTRUCT, SEG, image, uid, write_object


def of_study(one, args, number, series):
    one.PatientID, one.PatientName = args.patient, f"{args.name}^ONLY"
    if args.without_patient_id:
        one.PatientID = ""
    one.AccessionNumber, one.StudyDescription = f"ACC{args.study.upper()}", f"HEAD OF {args.name}"
    one.StudyInstanceUID = uid(args.in_study_of or args.patient, args.study)
    one.SeriesInstanceUID = uid(args.patient, args.study, series)
    one.SOPInstanceUID, one.InstanceNumber = uid(args.patient, args.study, number), number
    one.FrameOfReferenceUID = uid(args.patient, args.study, "frame")
    if args.marked:
        one.PatientIdentityRemoved, one.PatientName, one.PatientBirthDate = "YES", one.PatientID, ""
    return one


def reference(one):
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = one.SOPClassUID, one.SOPInstanceUID
    return item


def segmentation(args, number, images):
    one = of_study(image("seg", SEG, "SEG", side=16, frames=2), args, number, "seg")
    series = Dataset()
    series.SeriesInstanceUID = images[0].SeriesInstanceUID
    series.ReferencedInstanceSequence = Sequence([reference(of) for of in images])
    one.ReferencedSeriesSequence = Sequence([series])
    return one


def structures(args, number, images):
    one = of_study(image("structures", RTSTRUCT, "RTSTRUCT"), args, number, "rtstruct")
    for keyword in ("Rows", "Columns", "PixelData", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
                    "SamplesPerPixel", "PhotometricInterpretation"):
        delattr(one, keyword)
    series = Dataset()
    series.SeriesInstanceUID, series.ContourImageSequence = (
        images[0].SeriesInstanceUID, Sequence([reference(of) for of in images]))
    study = Dataset()
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = "1.2.840.10008.3.1.2.3.1", one.StudyInstanceUID
    study.RTReferencedSeriesSequence = Sequence([series])
    frame = Dataset()
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = one.FrameOfReferenceUID, Sequence([study])
    one.ReferencedFrameOfReferenceSequence = Sequence([frame])
    return one


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patient", required=True)
    parser.add_argument("--name", default="MILLGATE")
    parser.add_argument("--study", default="one")
    parser.add_argument("--in-study-of")
    parser.add_argument("--images", type=int, default=3)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--references", action="store_true")
    parser.add_argument("--without-patient-id", action="store_true")
    parser.add_argument("--marked", action="store_true")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    numbers = range(args.first, args.first + args.images)
    images = [of_study(image(f"{args.patient} {number}", side=32), args, number, "ct") for number in numbers]
    for one in images:  # tells the instances apart at the other end, whatever became of their UIDs
        one.PixelData = one.InstanceNumber.to_bytes(2, "little") + one.PixelData[2:]
        one["PixelData"].VR = "OW"
    if args.references:
        images += [segmentation(args, numbers[-1] + 1, images), structures(args, numbers[-1] + 2, images)]
    for one in images:
        write_object(args.folder, f"{args.patient}_{args.study}_{one.InstanceNumber}", one)


if __name__ == "__main__":
    main()
