"""What the makers of results share (`algorithm.py`, `classes.py`): items, references, and the modules that a tool copies from its source."""
from datetime import datetime

import highdicom as hd
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

# Patient, General Study, Patient Study and Clinical Trial modules (PS3.3 C.7.1, C.7.2), which every tool takes over as it got them.
COPIED = ("SpecificCharacterSet", "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge", "PatientWeight", "StudyInstanceUID",
          "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID", "StudyDescription", "ClinicalTrialSponsorName",
          "ClinicalTrialProtocolID", "ClinicalTrialProtocolName", "ClinicalTrialSiteID", "ClinicalTrialSiteName", "ClinicalTrialSubjectID",
          "PatientIdentityRemoved", "DeidentificationMethod", "LongitudinalTemporalInformationModified")
CLASS = "1.2.840.10008.5.1.4.1.1."


def own(number):
    """Arguments of a highdicom object that are the partner's own."""
    return {"series_instance_uid": hd.UID(), "series_number": number, "sop_instance_uid": hd.UID(), "instance_number": 1,
            "manufacturer": "Partner AI", "manufacturer_model_name": "Net", "software_versions": "1.0", "device_serial_number": "7"}


def item(**elements):
    one = Dataset()
    for keyword, value in elements.items():
        setattr(one, keyword, value)
    return one


def reference(image, **more):
    return item(ReferencedSOPClassUID=image.SOPClassUID, ReferencedSOPInstanceUID=image.SOPInstanceUID, **more)


def code(value, meaning, scheme="DCM"):
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def by_series(images, sequence="ReferencedInstanceSequence"):
    """Items of a Referenced Series Sequence, with their instances in `sequence`."""
    series = {}
    for image in images:
        series.setdefault(image.SeriesInstanceUID, []).append(reference(image))
    return [item(SeriesInstanceUID=uid, **{sequence: found}) for uid, found in series.items()]


def evidence(images):
    """An item of Current Requested Procedure Evidence for images of one study."""
    return item(StudyInstanceUID=images[0].StudyInstanceUID, ReferencedSeriesSequence=by_series(images, "ReferencedSOPSequence"))


def plain(source, suffix, modality, number, **elements):
    """An object of the class `suffix` in the study of `source`, in a series of its own, made now."""
    one = Dataset()
    for keyword in COPIED:
        if keyword in source:
            one.add(source[keyword])
    now = datetime.now()
    one.SOPClassUID, one.Modality = CLASS + suffix, modality
    one.SeriesInstanceUID, one.SOPInstanceUID, one.SeriesNumber, one.InstanceNumber = hd.UID(), hd.UID(), number, 1
    one.Manufacturer, one.ManufacturerModelName, one.SoftwareVersions, one.DeviceSerialNumber = "Partner AI", "Net", "1.0", "7"
    one.InstanceCreationDate = one.ContentDate = now.strftime("%Y%m%d")
    one.InstanceCreationTime = one.ContentTime = now.strftime("%H%M%S")
    for keyword, value in elements.items():
        setattr(one, keyword, value)
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return one


def in_frame(source):
    """Frame of Reference module as the source has it."""
    return {"FrameOfReferenceUID": source.FrameOfReferenceUID, "PositionReferenceIndicator": source.get("PositionReferenceIndicator", "")}
