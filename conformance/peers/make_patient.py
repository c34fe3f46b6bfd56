"""Writes one CT study that is valid enough to compute on: make_patient.py FOLDER --number N [options]

Three slices of one series with geometry and a frame of reference; Instance Numbers are N * 100 + 1 and so on, which tells the patients
apart at a partner. --charset decides how the identity is written (PS3.3 C.12.1.1.2, PS3.5 Annexes H and I). With --more the
study has a slide and an ECG too. The same
arguments give the same bytes. Every identity is invented.
"""
import argparse
from pathlib import Path

import numpy as np
from PIL import ImageCms
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT, SLIDE, ECG = (f"1.2.840.10008.5.1.4.1.1.{suffix}" for suffix in ("2", "77.1.6", "9.1.1"))
IDENTITY = {
    "latin": ("ISO_IR 100", "Grünwald^Jérôme", "Tête à tête", "Lefèvre^Zoé"),
    "utf8": ("ISO_IR 192", "Łękawska^Żaneta", "Głowa", "Šimůnek^Jiří"),
    "japanese": (["", "ISO 2022 IR 87"], "Hoshizora^Midori=星空^緑=ほしぞら^みどり", "頭部", "Tsukimi=月見"),
    "korean": (["", "ISO 2022 IR 149"], "Byeolbit^Haneul=星光^天=별빛^하늘", "머리", "Dalbit=月光=달빛"),
    "arabic": ("ISO_IR 127", "نجم^سماء", "رأس", "قمر^نور"),
    "cyrillic": ("ISO_IR 144", "Звёздная^Заря", "Голова", "Лунный^Свет"),
}


def uid(*names):
    return generate_uid(prefix="2.25.", entropy_srcs=["patient", *map(str, names)])


def of_patient(args, number, sop_class, modality, series):
    """Patient, study, series and equipment of each object."""
    charset, name, description, physician = IDENTITY[args.charset]
    one = Dataset()
    one.SpecificCharacterSet = charset
    one.SOPClassUID, one.SOPInstanceUID = sop_class, uid(args.number, args.study, number)
    one.StudyDate = one.SeriesDate = one.AcquisitionDate = one.ContentDate = args.date
    one.StudyTime = one.SeriesTime = one.AcquisitionTime = one.ContentTime = "101500"
    if args.timezone:
        one.TimezoneOffsetFromUTC = args.timezone
    one.AccessionNumber, one.Modality, one.Manufacturer = f"AC-{args.number}-{args.study}", modality, "SCANNER MAKER"
    one.ReferringPhysicianName, one.StudyDescription, one.SeriesDescription = physician, description, "SLICES"
    one.PatientName, one.PatientID = args.name or name, f"HOSP-{args.number:04}"
    if not args.bare:
        one.IssuerOfPatientID, one.PatientAge, one.PatientWeight = "GENERAL", "051Y", "71.5"
    # nobody shares name and birth date with another by accident
    birth_date = args.birth_date or f"1975{args.number // 28 % 12 + 1:02}{args.number % 28 + 1:02}"
    one.PatientBirthDate, one.PatientSex = birth_date, "F"
    one.StudyInstanceUID, one.SeriesInstanceUID = uid(args.number, args.study), uid(args.number, args.study, series)
    one.StudyID, one.SeriesNumber, one.AcquisitionNumber = "" if args.bare else f"S{args.number}", 3, 1
    one.InstanceNumber = args.number * 100 + number
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return one


def add_modules(args, one):
    """What a hospital's modalities may fill in beside the usual: PS3.3 C.7.1.1 (and D.2 demographics), C.7.2.1, C.7.2.2, sequences too."""
    _, _, text, physician = IDENTITY[args.charset]
    code = item(CodeValue=f"D{args.number}", CodingSchemeDesignator="99HOUSE", CodeMeaning=text)
    person = item(PersonIdentificationCodeSequence=[code], InstitutionName=text)
    # in a character set of its own (PS3.3 C.12.1.1.2)
    other = item(SpecificCharacterSet="ISO_IR 192", PersonIdentificationCodeSequence=[
        item(CodeValue="2", CodingSchemeDesignator="99HOUSE", CodeMeaning="Ärztin 医師")], InstitutionName="Klinik Süd")
    house = item(LocalNamespaceEntityID="HOUSE", UniversalEntityID="house.example.org", UniversalEntityIDType="DNS")
    one.OtherPatientIDsSequence = [item(PatientID=f"OLD-{args.number}-{part}", IssuerOfPatientID=text, TypeOfPatientID="TEXT",
                                        IssuerOfPatientIDQualifiersSequence=[house]) for part in (1, 2)]
    one.IssuerOfPatientIDQualifiersSequence, one.IssuerOfAccessionNumberSequence = [house], [house]
    # another text than in the codes: what of an address is left anywhere is found before it leaves
    one.PatientAddress, one.PatientMotherBirthName, one.PatientBirthName = text[::-1], physician, physician
    one.PatientTelephoneNumbers, one.CountryOfResidence, one.PatientReligiousPreference = f"555-{args.number:04}", text, text
    one.PatientSize, one.PatientBirthTime, one.EthnicGroup, one.PatientComments = "1.71", "030405", "", text
    one.MedicalAlerts, one.Allergies, one.Occupation, one.AdditionalPatientHistory = [text, text], text, text, text
    one.SmokingStatus, one.PregnancyStatus, one.LastMenstrualDate = "UNKNOWN", 1, "20250520"
    one.ReferringPhysicianIdentificationSequence = [other]
    one.ConsultingPhysicianName, one.PhysiciansOfRecord, one.NameOfPhysiciansReadingStudy = physician, [physician, physician], physician
    one.ConsultingPhysicianIdentificationSequence, one.PhysiciansOfRecordIdentificationSequence = [person], [person, other]
    one.AdmittingDiagnosesDescription, one.AdmittingDiagnosesCodeSequence = text, [code]
    one.RequestingService, one.RequestingServiceCodeSequence = text, [code]
    one.ReferencedStudySequence = [item(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID=one.StudyInstanceUID)]
    one.ReasonForVisit, one.ReasonForVisitCodeSequence, one.ReasonForPerformedProcedureCodeSequence = text, [code], [code]
    one.AdmissionID, one.IssuerOfAdmissionIDSequence, one.PatientState = f"ADM-{args.number}", [house], text
    one.ServiceEpisodeID, one.ServiceEpisodeDescription, one.IssuerOfServiceEpisodeIDSequence = f"EP-{args.number}", text, [house]


def slice_of(args, number):
    one = of_patient(args, number, CT, "CT", "series")
    one.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    one.FrameOfReferenceUID, one.PositionReferenceIndicator = uid(args.number, args.study, "frame"), ""
    one.ImagePositionPatient, one.ImageOrientationPatient = [0, 0, 2.5 * number], [1, 0, 0, 0, 1, 0]
    one.PixelSpacing, one.SliceThickness, one.KVP = [0.5, 0.5], "2.5", "120"
    one.SamplesPerPixel, one.PhotometricInterpretation, one.Rows, one.Columns = 1, "MONOCHROME2", 32, 32
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.RescaleIntercept, one.RescaleSlope, one.RescaleType = "-1024", "1", "HU"
    one.PixelData = ((np.arange(32 * 32, dtype=np.uint16) * 3 + number + args.number * 7) % 4096).tobytes()
    return one


def item(**elements):
    one = Dataset()
    for keyword, value in elements.items():
        setattr(one, keyword, value)
    return one


def slide(args):
    """One tile of a whole slide (PS3.3 A.32.8)."""
    one = of_patient(args, 11, SLIDE, "SM", "slide")
    one.SeriesDescription, one.ImageType = "SLIDE", ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    one.ManufacturerModelName, one.DeviceSerialNumber, one.SoftwareVersions = "SLIDE SCANNER", "11", "1"
    one.FrameOfReferenceUID, one.PositionReferenceIndicator = uid(args.number, args.study, "slide frame"), "SLIDE_CORNER"
    one.AcquisitionDateTime, one.AcquisitionContextSequence = args.date + "101500", []
    one.ContainerIdentifier, one.IssuerOfTheContainerIdentifierSequence = f"C{args.number}", []
    one.ContainerTypeCodeSequence = [item(CodeValue="433466003", CodingSchemeDesignator="SCT", CodeMeaning="Microscope slide")]
    one.SpecimenDescriptionSequence = [item(SpecimenIdentifier=f"C{args.number}-1", SpecimenUID=uid(args.number, args.study, "specimen"),
                                            IssuerOfTheSpecimenIdentifierSequence=[], SpecimenPreparationSequence=[])]
    one.ImagedVolumeWidth = one.ImagedVolumeHeight = one.ImagedVolumeDepth = 1.0
    one.TotalPixelMatrixColumns = one.TotalPixelMatrixRows = one.Rows = one.Columns = 16
    one.TotalPixelMatrixOriginSequence = [item(XOffsetInSlideCoordinateSystem="1", YOffsetInSlideCoordinateSystem="1")]
    one.ImageOrientationSlide, one.SpecimenLabelInImage, one.BurnedInAnnotation, one.FocusMethod = [0, 1, 0, 1, 0, 0], "NO", "NO", "AUTO"
    one.ExtendedDepthOfField, one.LossyImageCompression, one.VolumetricProperties, one.NumberOfFrames = "NO", "00", "VOLUME", 1
    one.NumberOfOpticalPaths, one.TotalPixelMatrixFocalPlanes, one.DimensionOrganizationType = 1, 1, "TILED_FULL"
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[12:16], profile[24:36] = b"spac", bytes(12)  # its class, and when it was made (ICC.1 7.2.5, 7.2.8)
    one.OpticalPathSequence = [item(OpticalPathIdentifier="1", ICCProfile=bytes(profile), IlluminationTypeCodeSequence=[
        item(CodeValue="111744", CodingSchemeDesignator="DCM", CodeMeaning="Brightfield illumination")])]
    one.SamplesPerPixel, one.PhotometricInterpretation, one.PlanarConfiguration = 3, "RGB", 0
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 8, 8, 7, 0
    one.SharedFunctionalGroupsSequence = [item(
        PixelMeasuresSequence=[item(PixelSpacing=[0.001, 0.001], SliceThickness="0.001")],
        WholeSlideMicroscopyImageFrameTypeSequence=[item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])])]
    one.PixelData = bytes([args.number % 256, 200, 180]) * 256
    return one


def ecg(args):
    """A second of one channel (PS3.3 A.34.3)."""
    one = of_patient(args, 12, ECG, "ECG", "ecg")
    one.SeriesDescription, one.AcquisitionDateTime, one.AcquisitionContextSequence = "ECG", args.date + "101500", []
    lead = item(CodeValue="2:1", CodingSchemeDesignator="MDC", CodeMeaning="Lead I")
    channel = item(WaveformChannelNumber=1, ChannelSourceSequence=[lead], ChannelSampleSkew="0", WaveformBitsStored=16)
    one.WaveformSequence = [item(WaveformOriginality="ORIGINAL", NumberOfWaveformChannels=1, NumberOfWaveformSamples=100, SamplingFrequency="100",
                                 ChannelDefinitionSequence=[channel], WaveformBitsAllocated=16, WaveformSampleInterpretation="SS",
                                 WaveformData=np.arange(100, dtype=np.int16).tobytes())]
    one.WaveformSequence[0]["WaveformData"].VR = "OW"
    return one


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--charset", default="latin", choices=IDENTITY)
    parser.add_argument("--name", default="")
    parser.add_argument("--birth-date", default="")
    parser.add_argument("--date", default="20250611")
    parser.add_argument("--timezone", default="", help="(0008,0201)")
    parser.add_argument("--study", default="one")
    parser.add_argument("--images", type=int, default=3)
    parser.add_argument("--bare", action="store_true", help="without issuer, age and weight, with an empty Study ID")
    parser.add_argument("--more", action="store_true", help="a slide and an ECG in the study")
    parser.add_argument("--modules", action="store_true", help="everything that the modules of patient and study may have")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    made = [slice_of(args, number) for number in range(1, args.images + 1)]
    made += [slide(args), ecg(args)] if args.more else []
    for one in made if args.modules else []:
        add_modules(args, one)
    for one in made:
        one.save_as(args.folder / f"{args.number}_{args.study}_{one.InstanceNumber % 100}.dcm", enforce_file_format=True)


if __name__ == "__main__":
    main()
