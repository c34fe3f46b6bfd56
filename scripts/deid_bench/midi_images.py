"""The instances of each modality."""
import numpy as np
from pydicom.uid import (CTImageStorage, ComprehensiveSRStorage, ComputedRadiographyImageStorage, DeflatedExplicitVRLittleEndian,
                         DigitalMammographyXRayImageStorageForPresentation, DigitalXRayImageStorageForPresentation, ExplicitVRBigEndian,
                         ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage, PositronEmissionTomographyImageStorage, RLELossless,
                         RTStructureSetStorage, SecondaryCaptureImageStorage, UltrasoundImageStorage, UltrasoundMultiFrameImageStorage,
                         XRayAngiographicImageStorage)

import midi_pixels as pixels
import midi_private
from midi_key import place
from midi_people import spoken
from midi_study import code, uid

CLASSES = {"CT": CTImageStorage, "MR": MRImageStorage, "PT": PositronEmissionTomographyImageStorage, "CR": ComputedRadiographyImageStorage,
           "DX": DigitalXRayImageStorageForPresentation, "MG": DigitalMammographyXRayImageStorageForPresentation, "US": UltrasoundImageStorage,
           "XA": XRayAngiographicImageStorage, "SC": SecondaryCaptureImageStorage, "SR": ComprehensiveSRStorage, "RTSTRUCT": RTStructureSetStorage}
# Maker, model, software, and the key of the private elements, by modality.
DEVICES = {"CT": [("GE MEDICAL SYSTEMS", "Revolution CT", "revo_ct_22bc", "GE"), ("Philips", "Brilliance 64", "3.6.6", "ELSCINT")],
           "MR": [("SIEMENS", "Skyra", "syngo MR E11", "SIEMENS"), ("Philips Medical Systems", "Ingenia", "5.3.1", "Philips MR")],
           "PT": [("Philips Medical Systems", "GEMINI TF TOF 16", "PETMR 4.2", "Philips PT")], "CR": [("KODAK", "DirectView CR 975", "5.7", "")],
           "DX": [("Carestream", "DRX Evolution", "6.2.0", "")], "MG": [("HOLOGIC, Inc.", "Selenia Dimensions", "AWS 1.9.0", "")],
           "XA": [("SIEMENS", "AXIOM Artis", "VC21C", "")], "US": [("GE Ultrasound", "LOGIQ E9", "R5", ""), ("Philips", "EPIQ 7C", "QLAB 10", "")],
           "SC": [("Vital Images", "Vitrea", "7.4", "")], "SR": [("Vital Images", "Vitrea", "7.4", "")], "RTSTRUCT": [("Varian", "Eclipse", "15.6", "")]}
SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian]


def whole(draft, array):
    """Nothing is burned in: all of the pixels stay."""
    draft.key.pixels(pixels.digest(np.ascontiguousarray(array).tobytes()))


def slices(draft, study, modality, number, frame_of_reference):
    """CT, MR and PT: geometry, dose and sequence parameters."""
    draft.uids(FrameOfReferenceUID=frame_of_reference)
    draft.required(ImagePositionPatient=[-48, -48, 2.5 * number], ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[0.75, 0.75])
    draft.put(PositionReferenceIndicator="", PatientPosition="HFS", SliceThickness="2.5")
    day = study.day.strftime("%Y%m%d")
    draft.dates(AcquisitionDate=day, AcquisitionDateTime=f"{day}{study.time}.120000")
    draft.put(AcquisitionTime=study.time)
    if modality == "CT":
        draft.kept(ImageType=["ORIGINAL", "PRIMARY", "AXIAL"], KVP="120", ConvolutionKernel="STANDARD", FilterType="BODY FILTER", ScanOptions="HELICAL MODE")
        draft.put(RescaleIntercept="-1024", RescaleSlope="1", RescaleType="HU", XRayTubeCurrent="220", ExposureTime="500")
        draft.uids(linked=False, IrradiationEventUID=uid(study.uid, "dose"))
    elif modality == "MR":
        draft.kept(ImageType=["ORIGINAL", "PRIMARY", "M", "ND"], SequenceName="*tse2d1_15", MagneticFieldStrength="3", ScanningSequence="SE")
        draft.put(SequenceVariant="SK", ScanOptions="", MRAcquisitionType="2D", RepetitionTime="4200", EchoTime="98", EchoTrainLength="15")
    else:
        draft.kept(ImageType=["ORIGINAL", "PRIMARY"], Units="BQML", CorrectedImage=["NORM", "ATTN", "SCAT", "DECY"], DecayCorrection="START")
        draft.put(SeriesType=["WHOLE BODY", "IMAGE"], CountsSource="EMISSION", RescaleIntercept="0", RescaleSlope="1.5", FrameReferenceTime="0", ImageIndex=number + 1)
        tracer = draft.item("RadiopharmaceuticalInformationSequence")
        tracer.kept(Radiopharmaceutical="Fluorodeoxyglucose", RadionuclideTotalDose="310000000")
        tracer.dates(RadiopharmaceuticalStartDateTime=f"{day}081500")
        code(tracer, "RadionuclideCodeSequence", "77004003", "SCT", "18 Fluorine")
    series = draft.item("ReferencedSeriesSequence")
    series.uids(SeriesInstanceUID=uid(study.uid, "localizer"))
    image = series.item("ReferencedInstanceSequence")
    image.put(ReferencedSOPClassUID=CLASSES[modality])
    image.uids(ReferencedSOPInstanceUID=uid(study.uid, "localizer", 1))
    array = pixels.phantom(96, 96, number, 3000, "<u2")
    pixels.describe(draft.ds, array, 12, "MONOCHROME2")
    whole(draft, array)


def projection(draft, study, modality, number):
    """CR, DX, MG and XA; of each participant's two images one has text in it."""
    draft.kept(ImageType=["ORIGINAL", "PRIMARY"], ViewPosition="PA" if modality != "MG" else "MLO")
    draft.put(KVP="110", PatientOrientation=["L", "F"])
    if modality in ("DX", "MG"):
        draft.put(PresentationIntentType="FOR PRESENTATION", ImageLaterality="L", PixelIntensityRelationship="LIN", PixelIntensityRelationshipSign=1,
                  RescaleIntercept="0", RescaleSlope="1", RescaleType="US", PresentationLUTShape="IDENTITY", LossyImageCompression="00", DetectorType="DIRECT")
        draft.gone(DetectorID=f"DET{study.serial}")
        draft.dates(DateOfLastDetectorCalibration=study.day.strftime("%Y%m%d"))
    if modality == "CR":
        draft.gone(PlateID=f"PL{study.serial}")
    array = pixels.phantom(480, 400, number, 4000, "<u2")
    boxes = []
    if number % 2 == 0:
        lines = [study.person.burned, study.person.patient_id, study.day.strftime("%d/%m/%Y")]
        boxes = pixels.burn(array, (16, 14), lines, 20, 4000, study.person.number)
    if modality == "XA":
        array = np.stack([array, array, array])
        draft.put(FrameTime="66.7", FrameIncrementPointer=0x00181063, PixelIntensityRelationship="LIN", RadiationSetting="GR")
    hide(draft, boxes, range(3) if modality == "XA" else [0])
    pixels.describe(draft.ds, array, 12, "MONOCHROME2")
    if boxes:
        draft.key.pixels(pixels.digest(pixels.crop(array, [100, 300, 300, 460])), [100, 300, 300, 460])
    else:
        whole(draft, array)


def hide(draft, boxes, frames=(0,)):
    for box, text in boxes:
        for frame in frames:
            draft.key.hidden(box, text, frame)


def ultrasound(draft, study, number):
    """Three kinds in turns: a band with the identity above the region, grey or in colour; a JPEG; a cine without text."""
    draft.kept(ImageType=["ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"], TransducerType="SECTOR_PHASED")
    draft.put(LossyImageCompression="00", PatientOrientation="")
    region = draft.item("SequenceOfUltrasoundRegions")
    region.put(RegionSpatialFormat=1, RegionDataType=1, RegionFlags=0, RegionLocationMinX0=0, RegionLocationMinY0=72, RegionLocationMaxX1=511,
               RegionLocationMaxY1=383, PhysicalUnitsXDirection=3, PhysicalUnitsYDirection=3, PhysicalDeltaX=0.03, PhysicalDeltaY=0.03)
    array = pixels.phantom(384, 512, number, 200, np.uint8)
    array[:72] = 0
    person, turn = study.person, number % 3
    if turn == 2:
        clip = np.stack([array, array[:, ::-1]])
        draft.put(FrameTime="33", FrameIncrementPointer=0x00181063)
        pixels.describe(draft.ds, clip, 8, "MONOCHROME2")
        draft.put(SOPClassUID=UltrasoundMultiFrameImageStorage)
        whole(draft, clip)
        return None
    boxes = pixels.burn(array, (10, 8), [f"{person.burned}  {person.patient_id}", f"{study.day:%d.%m.%Y}  {person.hospital[0]}"], 20, 255, person.number)
    hide(draft, boxes)
    if turn == 1:
        pixels.describe(draft.ds, array, 8, "MONOCHROME2")
        return pixels.compress(draft.ds, array)
    colour = np.repeat(array[..., None], 3, axis=2)
    draft.key.pixels(pixels.digest(pixels.crop(colour, [0, 80, 512, 384])), [0, 80, 512, 384])
    pixels.describe(draft.ds, colour, 8, "RGB")
    return None


def screenshot(draft, study, number):
    """A dose report as a picture."""
    draft.required(ConversionType="WSD")
    draft.dates(DateOfSecondaryCapture=study.day.strftime("%Y%m%d"))
    draft.put(ImageType=["DERIVED", "SECONDARY"], PatientOrientation="")
    draft.gone(SecondaryCaptureDeviceID=f"WS{study.serial}")
    grey = np.full((300, 480), 235, np.uint8)
    person = study.person
    lines = [f"Patient {person.burned}", f"ID {person.patient_id}", f"Born {person.born:%d/%m/%Y}", f"Dr {spoken(person.referring)}"]
    hide(draft, pixels.burn(grey, (20, 20), lines, 22, 10, number))
    pixels.burn(grey, (20, 200), ["CTDIvol 7.4 mGy", "DLP 312 mGy cm"], 22, 10, number)
    pixels.describe(draft.ds, np.repeat(grey[..., None], 3, axis=2), 8, "RGB")


def report(draft, study, number, images):
    """A measurement report: under this profile the content is replaced, the evidence stays with its new UIDs."""
    person = study.person
    draft.put(CompletionFlag="COMPLETE", VerificationFlag="UNVERIFIED", ValueType="CONTAINER", ContinuityOfContent="SEPARATE")
    code(draft, "ConceptNameCodeSequence", "18748-4", "LN", "Diagnostic imaging report")
    draft.item("ReferencedPerformedProcedureStepSequence")
    evidence = draft.item("CurrentRequestedProcedureEvidenceSequence")
    evidence.uids(StudyInstanceUID=images[0][1])
    series = evidence.item("ReferencedSeriesSequence")
    series.uids(SeriesInstanceUID=images[0][2])
    for sop_class, _, _, instance in images[:3]:
        image = series.item("ReferencedSOPSequence")
        image.put(ReferencedSOPClassUID=sop_class)
        image.uids(ReferencedSOPInstanceUID=instance)
    finding = f"Nodule 8 mm seen in {person.spoken[0]}, {person.patient_id}; called Dr {person.stranger} {person.phone}"
    for kind, concept, meaning, keyword, value in (("TEXT", "121071", "Finding", "TextValue", finding),
                                                  ("PNAME", "121008", "Person Observer Name", "PersonName", person.referring)):
        item = draft.item("ContentSequence")
        item.put(RelationshipType="CONTAINS" if kind == "TEXT" else "HAS OBS CONTEXT", ValueType=kind, **{keyword: value})
        code_item = item.item("ConceptNameCodeSequence")
        code_item.put(CodeValue=concept, CodingSchemeDesignator="DCM", CodeMeaning=meaning)
    for part in (person.spoken[0], person.patient_id, person.stranger, person.phone, spoken(person.referring)):
        draft.key.removed(place("ContentSequence"), part)


def structures(draft, study, number, images):
    """A structure set: names of structures stay, names of people in them do not."""
    person = study.person
    draft.gone(StructureSetLabel=f"{spoken(person.operator)}"[:16])
    draft.dates(StructureSetDate=study.day.strftime("%Y%m%d"))
    draft.put(StructureSetTime=study.time)
    frame = draft.item("ReferencedFrameOfReferenceSequence")
    frame.uids(FrameOfReferenceUID=uid(images[0][1], "frame"))
    for roi, name in enumerate(("Bladder", "Rectum", "PTV 60"), 1):
        structure = draft.item("StructureSetROISequence")
        structure.put(ROINumber=roi, ROIGenerationAlgorithm="MANUAL")
        structure.kept(ROIName=name)
        structure.uids(ReferencedFrameOfReferenceUID=uid(images[0][1], "frame"))
    observation = draft.item("RTROIObservationsSequence")
    observation.put(ObservationNumber=1, ReferencedROINumber=1, RTROIInterpretedType="ORGAN")
    observation.gone(ROIInterpreter=person.operator)


def private(draft, study, device):
    if device[3]:
        midi_private.fill(draft, study, device[3])
