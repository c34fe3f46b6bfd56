"""A partner's algorithm with highdicom: algorithm.py SOURCE OUT [--project P] [--originals FOLDER] [--elsewhere FOLDER] [--implicit] CASE…

SOURCE is what the partner holds. A case is NUMBER:KIND,KIND[:FAULT]: the patient, told by Instance Numbers (make_patient.py), the results
to make, and what is wrong with them. They become OUT/NUMBER_KIND.dcm. Prints {"study": Study Instance UID as the partner knows it} for
each case. UIDs of the results are fresh at each run.

Kinds:  seg, sr (after seg, which it cites), pm, gsps, kos, rtstruct, sc, pdf, and those of `classes.py`
Faults: patient-id, patient-name  the partner writes its own
        foreign-code              the code of another participant
        foreign-reference         an instance of another participant is cited
        two-patients              a second segmentation says another participant and cites that one's images
        other-project             an instance of the same partner's other project is cited
        other-partner             an instance is cited as another partner has it (found in --elsewhere)
        original-uid              a real UID of the clinical PACS is cited (found in --originals)
        foreign-original          a real UID of another patient is cited (found in --originals)
        foreign-original-series   the series of the result has the real UID of another patient's
        foreign-original-frame    its frame of reference has
        second-study              an image of the patient's other study is cited, with the date of that study
        second-study-doubt        the same, and a date that is neither issued nor of the partner's work
        own-series                the same Series Instance and Frame of Reference UID in each study
        unknown-study             a Study Instance UID of the tool's own
        unknown-study-alone       the same, and no reference at all
        date                      a date that is neither issued nor of the partner's work
        date-item                 the same in a content item of a report
        geometry                  a segmentation says another pixel spacing than the images of its frame of reference
        nested-code               the code of another participant in an item
        encrypted                 Encrypted Attributes that nobody here can read
        text-code                 code and UID in a text of a report
        text-uid, private-uid     a UID of the source stands in a text of a report only, in a private value of VR UN only
        foreign-text-uid, foreign-private-uid
                                  the same of another participant
        foreign-text-code         the code of another participant in a text of a report
        foreign-name, foreign-other-id, foreign-subject, foreign-nested-small
                                  the same as Patient's Name, in Other Patient IDs, as Subject ID, in small letters in an item
        subject-name, nested-name another name in the subject context of a report, in an item
        document                  the patient role of a clinical document is about somebody else
        burned-in                 text is drawn in the pixels
        time-zone, trial-subject  the partner's own
        dangling                  a reference that a private UID of the same value seems to resolve
        own-uid                   the same SOP Instance UID in each study
        geometry                  a segmentation says another pixel spacing than the images of its frame of reference
        missing                   the first kind is made, cited by the others, and not delivered
        sop-class                 a class that nobody returns
        active                    a PDF with JavaScript
"""
import argparse
import json
from copy import deepcopy
from datetime import datetime
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
from pydicom.sr.codedict import codes
from pydicom.uid import ImplicitVRLittleEndian

import classes
from result import by_series, evidence, in_frame, item, own, plain, reference

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def seg(images, _):
    mask = np.zeros((len(images), images[0].Rows, images[0].Columns), dtype=np.uint8)
    mask[:, 4:12, 4:12] = 1
    algorithm = hd.AlgorithmIdentificationSequence("Net", codes.DCM.ArtificialIntelligence, "1.0")
    segment = hd.seg.SegmentDescription(
        1, "Lesion", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion, algorithm_type="AUTOMATIC",
        algorithm_identification=algorithm, tracking_uid=hd.UID(), tracking_id="L1")
    return hd.seg.Segmentation(images, mask, "BINARY", [segment], series_description="Läsion", **own(5))


def pm(images, _):
    values = np.full((len(images), images[0].Rows, images[0].Columns), 0.25, dtype=np.float32)
    mapping = hd.pm.RealWorldValueMapping(
        "p", "probability", codes.UCUM.NoUnits, value_range=(0.0, 1.0), slope=1, intercept=0)
    return hd.pm.ParametricMap(
        images, values, contains_recognizable_visual_features=False, real_world_value_mappings=[mapping],
        window_center=0.5, window_width=1, **own(6))


def sr(images, made):
    observer = hd.sr.ObserverContext(
        codes.DCM.Device, hd.sr.DeviceObserverIdentifyingAttributes(uid=hd.UID(), name="Net"))
    sources = [hd.sr.SourceImageForSegmentation(one.SOPClassUID, one.SOPInstanceUID) for one in images]
    segmentation = made["seg"]
    segment = hd.sr.ReferencedSegment(
        segmentation.SOPClassUID, segmentation.SOPInstanceUID, segment_number=1, source_images=sources)
    group = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid=hd.UID(), identifier="L1"), finding_type=codes.SCT.Lesion,
        measurements=[hd.sr.Measurement(codes.SCT.Volume, 12.5, codes.UCUM.CubicMillimeter)], referenced_segment=segment)
    report = hd.sr.MeasurementReport(
        hd.sr.ObservationContext(observer_device_context=observer), codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=[group])
    return hd.sr.Comprehensive3DSR(evidence=[*images, segmentation], content=report[0], institution_name="Partner", **own(7))


def kos(images, _):
    content = hd.ko.KeyObjectSelection(codes.DCM.OfInterest, images[:2], description="See these")
    return hd.ko.KeyObjectSelectionDocument(images[:2], content, **own(8))


def gsps(images, _):
    layer = hd.pr.GraphicLayer("LAYER", 1)
    text = hd.pr.TextObject("L1", units="PIXEL", anchor_point=(4.0, 4.0))
    annotation = hd.pr.GraphicAnnotation(images[:1], layer, text_objects=[text])
    return hd.pr.GrayscaleSoftcopyPresentationState(
        images[:1], content_label="RESULT", graphic_annotations=[annotation], graphic_layers=[layer],
        concept_name=codes.DCM.PresentationState, voi_lut_transformations=[hd.pr.SoftcopyVOILUTTransformation(40, 400)],
        **own(9))


def rtstruct(images, _):
    """A structure set (PS3.3 A.19), which highdicom does not make: one contour on each image."""
    one = plain(images[0], "481.3", "RTSTRUCT", 11, OperatorsName="", StructureSetLabel="NET", SeriesDescription="Kontur", **in_frame(images[0]))
    one.StructureSetDate, one.StructureSetTime = one.ContentDate, one.ContentTime
    del one.ContentDate, one.ContentTime
    frame = images[0].FrameOfReferenceUID
    # holds the Study Instance UID in the attribute of an instance's
    study = item(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID=images[0].StudyInstanceUID,
                 RTReferencedSeriesSequence=by_series(images, "ContourImageSequence"))
    one.ReferencedFrameOfReferenceSequence = [item(FrameOfReferenceUID=frame, RTReferencedStudySequence=[study])]
    one.StructureSetROISequence = [item(ROINumber=1, ReferencedFrameOfReferenceUID=frame, ROIName="L1", ROIGenerationAlgorithm="AUTOMATIC")]

    def contour(image):
        x, y, z = (float(value) for value in image.ImagePositionPatient)
        points = [(x + 2, y + 2, z), (x + 6, y + 2, z), (x + 6, y + 6, z)]
        return item(ContourImageSequence=[reference(image)], ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=3,
                    ContourData=[coordinate for point in points for coordinate in point])

    one.ROIContourSequence = [item(ROIDisplayColor=[255, 0, 0], ContourSequence=[contour(image) for image in images], ReferencedROINumber=1)]
    one.RTROIObservationsSequence = [item(ObservationNumber=1, ReferencedROINumber=1, RTROIInterpretedType="", ROIInterpreter="")]
    return one


def sc(images, _):
    one = hd.sc.SCImage.from_ref_dataset(
        images[0], np.zeros((16, 16), dtype=np.uint8), photometric_interpretation="MONOCHROME2", bits_allocated=8,
        coordinate_system="PATIENT", patient_orientation=("L", "P"), **own(10))
    one.SourceImageSequence = [reference(images[0])]
    return one


def pdf(images, _):
    one = sc(images, _)
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
                    "SamplesPerPixel", "PhotometricInterpretation", "PatientOrientation", "SourceImageSequence"):
        if keyword in one:
            delattr(one, keyword)
    one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    one.Modality, one.BurnedInAnnotation, one.DocumentTitle = "DOC", "YES", "REPORT"
    one.MIMETypeOfEncapsulatedDocument, one.EncapsulatedDocument = "application/pdf", PDF + b"\n" * (len(PDF) % 2)
    return one


MAKERS = {"seg": seg, "pm": pm, "sr": sr, "kos": kos, "gsps": gsps, "rtstruct": rtstruct, "sc": sc, "pdf": pdf}


def read(folder):
    return [pydicom.dcmread(path) for path in sorted(folder.rglob("*")) if path.is_file() and pydicom.misc.is_dicom(path)]


def cite(one, instance):
    one.ReferencedInstanceSequence = [item(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2", ReferencedSOPInstanceUID=instance)]


def comment(one, text, concept=("121106", "Comment"), kind="TEXT", keyword="TextValue"):
    more = classes.content(kind, "CONTAINS", concept, **{keyword: text})
    one.ContentSequence = pydicom.Sequence([*one.ContentSequence, more])  # highdicom's own takes only its own items


def spoil(fault, made, images, others, args):
    one = next(iter(made.values()))
    if fault == "patient-id":
        one.PatientID = "SUBJECT 12"
    elif fault == "patient-name":
        one.PatientName = "ANON"
    elif fault == "foreign-code":
        one.PatientID = others[0].PatientID
    elif fault == "foreign-reference":
        cite(one, others[0].SOPInstanceUID)
    elif fault == "two-patients":
        second = seg(others, {})
        second.StudyInstanceUID = images[0].StudyInstanceUID
        made["second"] = second
    elif fault == "other-project":
        elsewhere = [of for of in read(args.source) if of.get("ClinicalTrialProtocolID") != args.project]
        cite(one, elsewhere[0].SOPInstanceUID)
    elif fault == "other-partner":
        theirs = next(of for of in read(args.elsewhere) if of.InstanceNumber == images[0].InstanceNumber)
        cite(one, theirs.SOPInstanceUID)
    elif fault == "original-uid":
        original = next(of for of in read(args.originals) if of.InstanceNumber == images[0].InstanceNumber)
        cite(one, original.SOPInstanceUID)
    elif fault.startswith("foreign-original"):
        original = next(of for of in read(args.originals) if of.InstanceNumber // 100 != images[0].InstanceNumber // 100)
        if fault == "foreign-original":
            cite(one, original.SOPInstanceUID)
        elif fault == "foreign-original-series":
            one.SeriesInstanceUID = original.SeriesInstanceUID
        else:
            one.FrameOfReferenceUID = original.FrameOfReferenceUID
    elif fault.startswith("second-study"):
        other = next(of for of in read(args.source) if of.PatientID == images[0].PatientID and of.StudyInstanceUID != images[0].StudyInstanceUID)
        one.PertinentOtherEvidenceSequence = [evidence([other])]
        dates = [other.StudyDate] + ["20010203"] * fault.endswith("doubt")
        one.ContentSequence.extend(classes.content("DATE", "CONTAINS", ("111060", "Study Date"), Date=date) for date in dates)
    elif fault == "own-series":
        one.SeriesInstanceUID, one.FrameOfReferenceUID = "1.2.826.0.1.3680043.10.999.8", "1.2.826.0.1.3680043.10.999.9"
    elif fault == "unknown-study":
        one.StudyInstanceUID = hd.UID()
    elif fault == "unknown-study-alone":
        one.StudyInstanceUID = hd.UID()
        for keyword in ("SourceInstanceSequence", "ReferencedSeriesSequence", "FrameOfReferenceUID", "PositionReferenceIndicator"):
            one.pop(keyword, None)
    elif fault == "nested-code":
        one.ReferencedPatientPhotoSequence = [item(PatientID=others[0].PatientID)]
    elif fault == "encrypted":
        one.EncryptedAttributesSequence = [item(EncryptedContentTransferSyntaxUID=ImplicitVRLittleEndian, EncryptedContent=b"\x30\x80\x00\x00")]
    elif fault == "text-code":
        comment(one, f"{one.PatientID}: {images[0].SOPInstanceUID}")
    elif fault in ("text-uid", "foreign-text-uid"):
        comment(one, f"see {(others if fault.startswith('foreign') else images)[2].SOPInstanceUID}")
    elif fault in ("private-uid", "foreign-private-uid"):
        uid = str((others if fault.startswith("foreign") else images)[2].SOPInstanceUID).encode()
        one.add_new(0x00090010, "LO", "PARTNER")
        one.add_new(0x00091001, "UN", uid + b"\0" * (len(uid) % 2))
    elif fault == "foreign-text-code":
        comment(one, f"as in {others[0].PatientID}.")
    elif fault == "foreign-name":
        one.PatientName = others[0].PatientID
    elif fault == "foreign-other-id":
        one.OtherPatientIDs = others[0].PatientID
    elif fault == "foreign-subject":
        comment(one, others[0].PatientID, ("121030", "Subject ID"))
    elif fault == "foreign-nested-small":
        one.ReferencedPatientPhotoSequence = [item(PatientID=others[0].PatientID.lower())]
    elif fault == "subject-name":
        comment(one, "DUPONT^BOB", ("121029", "Subject Name"), "PNAME", "PersonName")
    elif fault == "nested-name":
        one.ReferencedPatientPhotoSequence = [item(PatientName="DUPONT^BOB")]
    elif fault == "document":
        body = one.EncapsulatedDocument.rstrip(b"\0\n").replace(f'extension="{one.PatientID}"'.encode(), b'extension="HOSP-0020"')
        one.EncapsulatedDocument, one.EncapsulatedDocumentLength = body + b"\n" * (len(body) % 2), len(body) + len(body) % 2
    elif fault == "burned-in":
        one.BurnedInAnnotation = "YES"
    elif fault == "time-zone":
        one.TimezoneOffsetFromUTC = "+0900"
    elif fault == "trial-subject":
        one.ClinicalTrialSubjectID = "S1"
    elif fault == "dangling":
        cite(one, "1.2.3.4.5.777")
        one.add_new(0x00090010, "LO", "PARTNER")
        one.add_new(0x00091001, "UI", "1.2.3.4.5.777")
    elif fault == "own-uid":
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.10.999.7"
    elif fault == "date":
        one.AcquisitionDate = "20010203"
    elif fault == "date-item":
        one.ContentSequence.append(classes.content("DATE", "CONTAINS", ("111060", "Study Date"), Date="20010203"))
    elif fault == "geometry":
        one.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [0.7, 0.7]
    elif fault == "missing":
        made.pop(next(iter(made)))
    elif fault == "sop-class":
        one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    elif fault == "active":
        body = PDF.replace(b"/Type/Catalog", b"/Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>")
        one.EncapsulatedDocument = body + b"\n" * (len(body) % 2)


def case(held, text, args):
    number, kinds, fault = (*text.split(":"), "")[:3]
    held = deepcopy(held)  # results share elements with the images they are made from
    study = {}
    of_patient = [one for one in held if one.InstanceNumber // 100 == int(number)]
    studies = [one.StudyInstanceUID for one in of_patient]
    largest = max(studies, key=studies.count)  # of a patient with two
    for one in of_patient:
        if one.StudyInstanceUID == largest:
            study.setdefault(one.Modality, []).append(one)
    images, held = study["CT"], [one for one in held if one.Modality == "CT"]
    others = [one for one in held if one.PatientID != images[0].PatientID]
    others = [one for one in others if one.StudyInstanceUID == others[0].StudyInstanceUID]
    made = {}
    for kind in kinds.split(","):
        made[kind] = MAKERS[kind](images, made) if kind in MAKERS else classes.MAKERS[kind](study, made)
    uid = str(images[0].StudyInstanceUID)
    spoil(fault, made, images, others, args)
    for name, one in made.items():
        if args.implicit:
            one.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        one.save_as(args.out / f"{number}_{name}.dcm", enforce_file_format=True)
    print(json.dumps({"study": uid}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("cases", nargs="+")
    parser.add_argument("--originals", type=Path)
    parser.add_argument("--elsewhere", type=Path, help="what another partner holds")
    parser.add_argument("--implicit", action="store_true", help="write the results in implicit VR")
    parser.add_argument("--project", default="", help="Clinical Trial Protocol ID; where the partner has two projects")
    args = parser.parse_args()
    held = [one for one in read(args.source) if "InstanceNumber" in one and args.project in ("", one.get("ClinicalTrialProtocolID"))]
    for one in held:  # its own texts are in Latin letters and umlauts; what it was given and takes over may need more
        if one.get("SpecificCharacterSet", "") not in ("", "ISO_IR 100"):
            one.decode()
            one.SpecificCharacterSet = "ISO_IR 192"
    held.sort(key=lambda one: int(one.InstanceNumber))
    args.out.mkdir(parents=True, exist_ok=True)
    for text in args.cases:
        case(held, text, args)


if __name__ == "__main__":
    main()
