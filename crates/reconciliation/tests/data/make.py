"""Writes the objects of this folder: results as partners make them, with highdicom 0.28 and pydicom 3, from one small CT series.

    python3 make.py [NAME…]

Everything is invented. The source images carry the pseudonyms of `../it/support.rs`: code, UIDs, shifted dates. A file is a data set
in DICOM format; UIDs of the partner come from a counter, but for those that highdicom makes itself. Classes beside the common ones come
from `conformance/peers/classes.py`. With names, only those files are written.
"""

import datetime
import io
import itertools
import pathlib
import sys
from types import SimpleNamespace

import highdicom as hd
import numpy as np
import pydicom
from highdicom.sr.coding import CodedConcept
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, UID

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[3] / "conformance" / "peers"))
import classes  # noqa: E402
import make_patient  # noqa: E402

CODE = "P-7K3M9"
STUDY = "2.25.7100"
SERIES = "2.25.7101"
FRAME = "2.25.7102"
INSTANCES = ["2.25.7201", "2.25.7202", "2.25.7203"]
ORDINARY = {"manufacturer": "Partner AI", "manufacturer_model_name": "Seg", "software_versions": "1.0", "device_serial_number": "7"}
COUNTER = itertools.count(1)
CT = "1.2.840.10008.5.1.4.1.1."


def fresh():
    return UID(f"1.2.826.0.1.3680043.8.498.{next(COUNTER)}")


def base(sop_class, instance, series, modality):
    """What every object has: as de-identified."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, instance
    ds.StudyInstanceUID, ds.SeriesInstanceUID = STUDY, series
    ds.PatientName = ds.PatientID = CODE
    ds.ClinicalTrialSubjectID = CODE
    ds.PatientBirthDate = ds.PatientSex = ""
    ds.StudyDate = "20240115"
    ds.StudyTime = ds.AccessionNumber = ds.StudyID = ds.ReferringPhysicianName = ""
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = modality, 5, 1
    ds.PatientIdentityRemoved = "YES"
    ds.DeidentificationMethod = "DICOM PS3.15 Annex E"
    ds.LongitudinalTemporalInformationModified = "MODIFIED"
    return ds


def source():
    """Three slices, 8 × 8, 2 mm apart."""
    slices = []
    for n, instance in enumerate(INSTANCES):
        ds = base(CT + "2", instance, SERIES, "CT")
        ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = FRAME, ""
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.InstanceNumber = n + 1
        ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, 2.0 * n], [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing, ds.SliceThickness = [1, 1], 2
        ds.Rows = ds.Columns = 8
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated = ds.BitsStored = 16
        ds.HighBit, ds.PixelRepresentation = 15, 0
        ds.RescaleIntercept, ds.RescaleSlope, ds.KVP = -1024, 1, 120
        ds.PixelData = (np.arange(64, dtype=np.uint16) + n).tobytes()
        slices.append(ds)
    return slices


def other_source(make, instance, series, frame=None):
    """A slide or an ECG of the same study, as de-identified."""
    ds = make(SimpleNamespace(charset="latin", number=1, study="one", name="", bare=True, birth_date="", date="20240115"))
    of_study = base(ds.SOPClassUID, instance, series, ds.Modality)
    del of_study.SeriesNumber, of_study.InstanceNumber
    ds.update(of_study)
    for keyword in ("SpecificCharacterSet", "StudyDescription"):
        ds.pop(keyword, None)
    if frame:
        ds.FrameOfReferenceUID = frame
        ds.SpecimenDescriptionSequence[0].SpecimenUID = "2.25.7113"
    return ds


def own(modality):
    return {"series_instance_uid": fresh(), "series_number": 5, "sop_instance_uid": fresh(), "instance_number": 1, **ORDINARY}


def seg(images):
    mask = np.zeros((3, 8, 8), dtype=np.uint8)
    mask[:, 2:5, 2:5] = 1
    segment = hd.seg.SegmentDescription(
        1, "Lesion", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence("Net", codes.DCM.ArtificialIntelligence, "1"),
        tracking_uid=fresh(), tracking_id="L1",
    )
    result = hd.seg.Segmentation(
        images, mask, hd.seg.SegmentationTypeValues.BINARY, [segment], content_creator_name="Creator^Jürgen",
        series_description="Segmentierung für Läsion", **own("SEG"),
    )
    result.SpecificCharacterSet = "ISO_IR 192"
    return result


def parametric_map(images):
    values = np.ones((3, 8, 8), dtype=np.float32)
    mapping = hd.pm.RealWorldValueMapping(
        "p", "probability", codes.UCUM.NoUnits, value_range=(0.0, 1.0), slope=1, intercept=0)
    return hd.pm.ParametricMap(
        images, values, contains_recognizable_visual_features=False, real_world_value_mappings=[mapping],
        window_center=0.5, window_width=1, **own("OT"),
    )


def report(images, segmentation):
    observer = hd.sr.ObserverContext(
        codes.DCM.Device, hd.sr.DeviceObserverIdentifyingAttributes(uid=fresh(), name="Net"))
    context = hd.sr.ObservationContext(observer_device_context=observer)
    sources = [hd.sr.SourceImageForSegmentation(image.SOPClassUID, image.SOPInstanceUID) for image in images]
    segment = hd.sr.ReferencedSegment(
        segmentation.SOPClassUID, segmentation.SOPInstanceUID, segment_number=1, source_images=sources)
    group = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid=fresh(), identifier="L1"),
        referenced_segment=segment,
        finding_type=codes.SCT.Lesion,
        measurements=[hd.sr.Measurement(codes.SCT.Volume, 12.5, codes.UCUM.CubicMillimeter)],
    )
    content = hd.sr.MeasurementReport(context, codes.LN.CTUnspecifiedBodyRegion, imaging_measurements=[group])
    sr = hd.sr.Comprehensive3DSR(
        evidence=[*images, segmentation], content=content[0], institution_name="Partner", **own("SR"))
    date = hd.sr.DateContentItem(
        CodedConcept("111060", "DCM", "Study Date"), "20240115", hd.sr.RelationshipTypeValues.CONTAINS)
    sr.ContentSequence.append(date)
    return sr


def key_objects(images):
    content = hd.ko.KeyObjectSelection(codes.DCM.OfInterest, images[:2], description="See these")
    return hd.ko.KeyObjectSelectionDocument(images[:2], content, **own("KO"))


def presentation(images):
    layer = hd.pr.GraphicLayer("LAYER", 1)
    text = hd.pr.TextObject("L1", units="PIXEL", anchor_point=(4.0, 4.0))
    annotation = hd.pr.GraphicAnnotation(images[:1], layer, text_objects=[text])
    return hd.pr.GrayscaleSoftcopyPresentationState(
        images[:1], content_label="RESULT", graphic_annotations=[annotation], graphic_layers=[layer],
        concept_name=codes.DCM.PresentationState, voi_lut_transformations=[hd.pr.SoftcopyVOILUTTransformation(40, 400)],
        **own("PR"))


def capture(images):
    sc = hd.sc.SCImage.from_ref_dataset(
        images[0], np.zeros((8, 8), dtype=np.uint8), photometric_interpretation="MONOCHROME2", bits_allocated=8,
        coordinate_system="PATIENT", patient_orientation=("L", "P"), **own("OT"))
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = images[0].SOPClassUID, images[0].SOPInstanceUID
    sc.SourceImageSequence = [reference]
    return sc


def structure_set(images):
    """As planning systems write it: the Study UID stands in (0008,1155) of the referenced study."""
    ds = base(CT + "481.3", fresh(), fresh(), "RTSTRUCT")
    ds.StructureSetLabel, ds.StructureSetDate, ds.StructureSetTime = "AUTO", today(), "120000"
    contours = []
    for image in images:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
        contours.append(item)
    series = Dataset()
    series.SeriesInstanceUID, series.ContourImageSequence = SERIES, contours
    study = Dataset()
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = "1.2.840.10008.3.1.2.3.1", STUDY
    study.RTReferencedSeriesSequence = [series]
    frame = Dataset()
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = FRAME, [study]
    ds.ReferencedFrameOfReferenceSequence = [frame]
    roi = Dataset()
    roi.ROINumber, roi.ReferencedFrameOfReferenceUID, roi.ROIName = 1, FRAME, "Lesion"
    roi.ROIGenerationAlgorithm = "AUTOMATIC"
    ds.StructureSetROISequence = [roi]
    contour = Dataset()
    contour.ContourImageSequence = [contours[0]]
    contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", 3
    contour.ContourData = [2, 2, 0, 4, 2, 0, 2, 4, 0]
    roi_contour = Dataset()
    roi_contour.ReferencedROINumber, roi_contour.ContourSequence = 1, [contour]
    ds.ROIContourSequence = [roi_contour]
    observation = Dataset()
    observation.ObservationNumber, observation.ReferencedROINumber = 1, 1
    observation.RTROIInterpretedType = observation.ROIInterpreter = ""
    ds.RTROIObservationsSequence = [observation]
    return ds


def document(images):
    ds = base(CT + "104.1", fresh(), fresh(), "DOC")
    ds.ConversionType, ds.BurnedInAnnotation, ds.DocumentTitle = "WSD", "NO", "Report"
    ds.ContentDate = ds.ContentTime = ds.AcquisitionDateTime = ""
    ds.ConceptNameCodeSequence = Sequence()
    source = Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = images[0].SOPClassUID, images[0].SOPInstanceUID
    ds.SourceInstanceSequence = [source]
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    body = b"%PDF-1.4\n% case " + CODE.encode() + b"\n%%EOF\n"
    ds.EncapsulatedDocument = body + b"\0" * (len(body) % 2)
    ds.EncapsulatedDocumentLength = len(body)
    return ds


def today():
    return "20260110"


class FixedDate(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 1, 10, 12, 0, 0, tzinfo=tz)


def write(name, ds):
    if sys.argv[1:] and name not in sys.argv[1:]:
        return
    ds.file_meta.ImplementationClassUID = "1.2.826.0.1.3680043.8.498.1"
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    # the partner's own clock
    for element in ds.iterall():
        recent = element.VR in ("DA", "DT") and str(element.value)[:4] not in ("", "2024", "None")
        if recent and element.VM == 1:
            element.value = today() if element.VR == "DA" else today() + "120000"
        if element.VR == "TM" and element.value and element.VM == 1:
            element.value = "120000"
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    data = buffer.getvalue()
    assert len(data) < 20_000, (name, len(data))
    (HERE / f"{name}.dcm").write_bytes(data)
    print(name, len(data))


def main():
    images = source()
    for n, image in enumerate(images):
        write(f"source{n + 1}", image)
    segmentation = seg(images)
    write("seg", segmentation)
    write("sr", report(images, segmentation))
    for name, make in [("pm", parametric_map), ("kos", key_objects), ("gsps", presentation), ("sc", capture),
                       ("rtstruct", structure_set), ("pdf", document)]:
        write(name, make(images))
    study = {"CT": images, "SM": [other_source(make_patient.slide, "2.25.7211", "2.25.7111", "2.25.7112")],
             "ECG": [other_source(make_patient.ecg, "2.25.7221", "2.25.7121")]}
    made = {"rtstruct": pydicom.dcmread(HERE / "rtstruct.dcm")}
    for kind, make in classes.MAKERS.items():
        made[kind] = make(study, made)
        made[kind].pop("ICCProfile", None)  # 60 KB
        write(kind, made[kind])


if __name__ == "__main__":
    main()
