"""Writes DICOM files of one kind into a folder: make_objects.py KIND FOLDER

KIND: regular    several modalities, character sets, private elements; what any archive accepts
      syntaxes   one image in each transfer syntax of PS3.5 Annex A that a C-STORE can carry
      irregular  faults that a receiver has to live with (AC1.3 e)
      broken     faults that it has to refuse (AC1.3 c, d); the file's name says which

Every identity is invented. The same kind gives the same bytes each time.
"""
import struct
import sys
import zlib
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.sequence import Sequence
from pydicom.uid import (
    AllTransferSyntaxes, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian,
    ImplicitVRLittleEndian, generate_uid,
)

CT, MR, CR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.1"
US_MULTIFRAME, SECONDARY = "1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.7"
SR, SEG, RTSTRUCT = "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.481.3"
PDF = "1.2.840.10008.5.1.4.1.1.104.1"
# Negotiated, but a data set under them has its pixels elsewhere or is a live stream (PS3.5 A.6, A.7; PS3.22).
NOT_STORED = ("1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.204", "1.2.840.10008.1.2.4.205",
              "1.2.840.10008.1.2.7.")


def uid(*names):
    return generate_uid(prefix="2.25.", entropy_srcs=["conformance", *map(str, names)])


# ---- files ---------------------------------------------------------------------------------------------------------
def encode(dataset, syntax=ExplicitVRLittleEndian):
    out = DicomBytesIO()
    out.is_implicit_VR = syntax == ImplicitVRLittleEndian
    out.is_little_endian = syntax != ExplicitVRBigEndian
    write_dataset(out, dataset)
    return out.getvalue()


def write(path, data, sop_class, sop_instance, syntax=ExplicitVRLittleEndian):
    """data: the data set's bytes as they go over the wire."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, sop_instance
    meta.TransferSyntaxUID, meta.ImplementationClassUID = syntax, uid("implementation")
    with open(path, "wb") as out:
        out.write(bytes(128) + b"DICM")
        write_file_meta_info(out, meta)
        out.write(data)


def write_object(folder, name, dataset, syntax=ExplicitVRLittleEndian):
    data = encode(dataset, syntax)
    if syntax == DeflatedExplicitVRLittleEndian:
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        data = deflate.compress(data) + deflate.flush()
        data += bytes(len(data) % 2)
    write(folder / f"{name}.dcm", data, dataset.SOPClassUID, dataset.SOPInstanceUID, syntax)


# ---- objects -------------------------------------------------------------------------------------------------------
def base(name, sop_class, modality, patient="DOE^JANE", charset=None):
    one = Dataset()
    if charset:
        one.SpecificCharacterSet = charset
    one.SOPClassUID, one.SOPInstanceUID = sop_class, uid(name)
    one.StudyDate, one.StudyTime, one.AccessionNumber, one.Modality = "20260314", "101500", "ACC0001", modality
    one.ReferringPhysicianName = "WELBY^MARCUS"
    one.PatientName, one.PatientID, one.PatientBirthDate, one.PatientSex = patient, "CONF-0001", "19700101", "O"
    one.StudyInstanceUID, one.SeriesInstanceUID = uid("study"), uid("series", modality)
    one.StudyID, one.SeriesNumber, one.InstanceNumber = "1", 1, 1
    return one


def image(name, sop_class=CT, modality="CT", side=64, frames=0, **kw):
    one = base(name, sop_class, modality, **kw)
    if frames:
        one.NumberOfFrames = frames
    one.SamplesPerPixel, one.PhotometricInterpretation, one.Rows, one.Columns = 1, "MONOCHROME2", side, side
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.PixelData = b"".join(struct.pack("<H", n * 37 % 4096) for n in range(side * side * max(frames, 1)))
    one["PixelData"].VR = "OW"
    return one


def with_private(one):
    block = one.private_block(0x0029, "CONFORMANCE 1", create=True)
    block.add_new(0x10, "LO", "private text")
    block.add_new(0x11, "OB", bytes(range(256)))
    inner = Dataset()
    inner.private_block(0x0031, "CONFORMANCE 2", create=True).add_new(0x01, "PN", "ROE^RICHARD")
    block.add_new(0x12, "SQ", Sequence([inner]))
    return one


def structured_report():
    one = base("sr", SR, "SR")
    one.ValueType, one.ContinuityOfContent, one.CompletionFlag, one.VerificationFlag = (
        "CONTAINER", "SEPARATE", "COMPLETE", "UNVERIFIED")
    text = Dataset()
    text.RelationshipType, text.ValueType, text.TextValue = "CONTAINS", "TEXT", "Seen by Dr ROE on 14 March"
    one.ContentSequence = Sequence([text])
    return one


def structures():
    one = base("rtstruct", RTSTRUCT, "RTSTRUCT")
    one.StructureSetLabel = "STRUCTURES"
    roi = Dataset()
    roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = 1, "LESION", uid("frame")
    one.StructureSetROISequence = Sequence([roi])
    return one


def document():
    one = base("pdf", PDF, "DOC")
    one.DocumentTitle, one.MIMETypeOfEncapsulatedDocument = "REPORT", "application/pdf"
    one.EncapsulatedDocument = b"%PDF-1.4\n% conformance\n%%EOF\n"
    return one


def regular(folder):
    write_object(folder, "ct", image("ct"))
    write_object(folder, "mr_implicit", image("mr", MR, "MR"), ImplicitVRLittleEndian)
    write_object(folder, "cr_large", image("cr", CR, "CR", side=1500))
    write_object(folder, "us_multiframe", image("us", US_MULTIFRAME, "US", frames=12))
    write_object(folder, "private", with_private(image("private")))
    write_object(folder, "sr", structured_report())
    write_object(folder, "seg", image("seg", SEG, "SEG", side=32, frames=4))
    write_object(folder, "rtstruct", structures())
    write_object(folder, "pdf", document())
    names = {
        "ISO_IR 100": "GÖDEL^KURT", "ISO_IR 144": "Иванов^Пётр", "ISO_IR 192": "Łukasiewicz^Jan=王^小東",
        "GB18030": "Wang^XiaoDong=王^小东",
        ("", "ISO 2022 IR 87"): "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ("", "ISO 2022 IR 149"): "Hong^Gildong=洪^吉洞=홍^길동",
    }
    for number, (charset, patient) in enumerate(names.items()):
        charset = list(charset) if isinstance(charset, tuple) else charset
        write_object(folder, f"charset_{number}", image(f"charset {number}", side=16, patient=patient, charset=charset))


def syntaxes(folder):
    for syntax in AllTransferSyntaxes:
        if syntax.startswith(NOT_STORED):
            continue
        one = image(syntax, SECONDARY, "OT")
        if syntax.is_encapsulated:
            # A receiver must not decode: the fragments hold no picture, even in length as PS3.5 A.4 asks.
            one.PixelData = encapsulate([bytes([0xFF, 0xD8]) + bytes(range(200)) + bytes([0xFF, 0xD9])])
            one["PixelData"].VR = "OB"
            one["PixelData"].is_undefined_length = True
        elif syntax == ExplicitVRBigEndian:
            values = struct.unpack(f"<{len(one.PixelData) // 2}H", one.PixelData)
            one.PixelData = struct.pack(f">{len(values)}H", *values)
        write_object(folder, syntax, one, syntax)


# ---- faults: elements written by hand, explicit little endian ---------------------------------------------------------
def element(group, number, vr, value, length=None):
    length = len(value) if length is None else length
    head = struct.pack("<HH2s", group, number, vr.encode())
    head += struct.pack("<HI", 0, length) if vr in ("OB", "OW", "SQ", "UN", "UT") else struct.pack("<H", length)
    return head + value


def faulty(name, *, drop=(), before_pixels=b"", pixels=None, **changes):
    """A small CT without the attributes of `drop`, with `before_pixels` ahead of the pixel data."""
    one = image(name, side=16)
    for keyword, value in changes.items():
        setattr(one, keyword, value)
    for keyword in (*drop, "PixelData"):
        delattr(one, keyword)
    return encode(one) + before_pixels + (element(0x7FE0, 0x0010, "OW", bytes(512)) if pixels is None else pixels)


def irregular(folder):
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    end_of_item, end = struct.pack("<HHI", 0xFFFE, 0xE00D, 0), struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    # CP-246: UN of undefined length is a sequence in implicit VR little endian
    implicit = struct.pack("<HHI", 0x0008, 0x0104, 4) + b"TEXT"
    cases = {
        "odd_length": element(0x0029, 0x0010, "LO", b"ODD LENGTH 1X") + element(0x0029, 0x1001, "LT", b"odd"),
        "un_sequence": element(0x0029, 0x0010, "LO", b"CONFORMANCE 1 ")
        + element(0x0029, 0x1001, "UN", item + implicit + end_of_item + end, 0xFFFFFFFF),
        "un_standard": element(0x0040, 0x0275, "UN", b"\1\2\3\4"),
        "wrong_value_length": element(0x0028, 0x0106, "US", b"\1\0\0") + element(0x0028, 0x1052, "DS", b"1" * 40),
        "text_as_number": element(0x0028, 0x1050, "DS", b"not a number"),
        "private_without_creator": element(0x0029, 0x1001, "LO", b"ORPHAN"),
    }
    for name, elements in cases.items():
        write(folder / f"{name}.dcm", faulty(name, before_pixels=elements), CT, uid(name))
    write(folder / "empty_type_1.dcm", faulty("empty_type_1", Rows=None, BitsStored=None), CT, uid("empty_type_1"))
    write(folder / "no_patient_name.dcm", faulty("no_patient_name", drop=["PatientName"]), CT, uid("no_patient_name"))


def broken(folder):
    def put(name, data, sop_class=CT, sop_instance=None):
        write(folder / f"{name}.dcm", data, sop_class, sop_instance or uid(name))

    put("class_mismatch", faulty("class_mismatch"), sop_class=MR)
    put("instance_mismatch", faulty("instance_mismatch"), sop_instance=uid("another instance"))
    put("truncated_pixels", faulty("truncated_pixels", pixels=element(0x7FE0, 0x0010, "OW", bytes(100), 512)))
    put("truncated_element", faulty("truncated_element", pixels=b"\xe0\x7f\x10"))
    put("length_of_4_gib", faulty("length_of_4_gib", pixels=element(0x7FE0, 0x0010, "OW", bytes(10), 0xFFFFFFF0)))
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"):
        put(f"missing_{keyword}", faulty(f"missing_{keyword}", drop=[keyword]))
    put("invalid_StudyInstanceUID", faulty("invalid_StudyInstanceUID", StudyInstanceUID="../../etc/passwd"))
    put("empty_SeriesInstanceUID", faulty("empty_SeriesInstanceUID", SeriesInstanceUID=""))
    put("noise", bytes(n * n * 31 % 251 for n in range(4096)))


if __name__ == "__main__":
    kind, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    {"regular": regular, "syntaxes": syntaxes, "irregular": irregular, "broken": broken}[kind](folder)
