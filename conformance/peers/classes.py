"""Results of the classes of flow table 8.3 that `algorithm.py` does not make itself.

Each maker gets the study as the partner holds it, images by modality, and what was made before; references stand at every place that
the class has for them (PS3.3, the sections named).
"""
from datetime import datetime

import highdicom as hd
import numpy as np
from pydicom.sr.codedict import codes

from result import by_series, code, evidence, in_frame, item, own, plain, reference

UNITY = ["1", "0", "0", "0", "0", "1", "0", "0", "0", "0", "1", "0", "0", "0", "0", "1"]
LESION = {"SegmentedPropertyCategoryCodeSequence": [code("49755003", "Morphologically Abnormal Structure", "SCT")],
          "SegmentedPropertyTypeCodeSequence": [code("52988006", "Lesion", "SCT")]}


def label_map(study, _):
    images = study["CT"]
    labels = np.zeros((len(images), images[0].Rows, images[0].Columns), dtype=np.uint8)
    labels[:, 4:12, 4:12] = 1
    algorithm = hd.AlgorithmIdentificationSequence("Net", codes.DCM.ArtificialIntelligence, "1.0")
    segment = hd.seg.SegmentDescription(
        1, "Lesion", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion, algorithm_type="AUTOMATIC",
        algorithm_identification=algorithm, tracking_uid=hd.UID(), tracking_id="L1")
    return hd.seg.Segmentation(images, labels, "LABELMAP", [segment], **own(21))


def surface(study, _):
    """Surface Segmentation (A.57, C.8.23.1)."""
    images = study["CT"]
    points = np.array([[1, 1, 2.5], [5, 1, 2.5], [1, 5, 2.5]], dtype=np.float32).tobytes()
    primitives = item(
        VertexPointIndexList=None, EdgePointIndexList=None, TrianglePointIndexList=np.array([1, 2, 3], dtype=np.uint16).tobytes(),
        TriangleStripSequence=[], TriangleFanSequence=[], LineSequence=[], FacetSequence=[])
    mesh = item(
        SurfaceNumber=1, SurfaceProcessing="NO", RecommendedDisplayGrayscaleValue=1000, RecommendedPresentationOpacity=1.0,
        RecommendedPresentationType="SURFACE", FiniteVolume="NO", Manifold="NO", SurfacePointsNormalsSequence=[],
        SurfacePointsSequence=[item(NumberOfSurfacePoints=3, PointCoordinatesData=points)], SurfaceMeshPrimitivesSequence=[primitives])
    algorithm = item(AlgorithmFamilyCodeSequence=[code("110001", "Image Processing")], AlgorithmName="Net", AlgorithmVersion="1.0")
    made = item(ReferencedSurfaceNumber=1, SegmentSurfaceGenerationAlgorithmIdentificationSequence=[algorithm],
                SegmentSurfaceSourceInstanceSequence=[reference(image) for image in images])
    segment = item(SegmentNumber=1, SegmentLabel="Lesion", SegmentAlgorithmType="AUTOMATIC", SurfaceCount=1, TrackingID="L1",
                   TrackingUID=hd.UID(), ReferencedSurfaceSequence=[made], **LESION)
    return plain(images[0], "66.5", "SEG", 22, ContentLabel="SURFACE", ContentDescription="", ContentCreatorName="", NumberOfSurfaces=1,
                 SurfaceSequence=[mesh], SegmentSequence=[segment], ReferencedSeriesSequence=by_series(images), **in_frame(images[0]))


def content(kind, relation, concept, **elements):
    """A content item (C.17.3)."""
    return item(RelationshipType=relation, ValueType=kind, ConceptNameCodeSequence=[code(*concept)], **elements)


def document(images, suffix, modality, number, title, items, **more):
    """An SR document (C.17.2) with the images as evidence."""
    return plain(
        images[0], suffix, modality, number, ReferencedPerformedProcedureStepSequence=[], CompletionFlag="COMPLETE",
        VerificationFlag="UNVERIFIED", PerformedProcedureCodeSequence=[], CurrentRequestedProcedureEvidenceSequence=[evidence(images)],
        ValueType="CONTAINER", ContinuityOfContent="SEPARATE", ConceptNameCodeSequence=[code(*title)], ContentSequence=items, **more)


def mammography_cad(study, _):
    """Mammography CAD SR (A.35.5, TID 4000)."""
    images = study["CT"]
    library = content("CONTAINER", "CONTAINS", ("111028", "Image Library"), ContinuityOfContent="SEPARATE", ContentSequence=[
        item(RelationshipType="CONTAINS", ValueType="IMAGE", ReferencedSOPSequence=[reference(image)]) for image in images])
    summary = content("CODE", "CONTAINS", ("111017", "CAD Processing and Findings Summary"),
                      ConceptCodeSequence=[code("111242", "All algorithms succeeded; with findings")])
    # the request as it was issued: accession number and study (C.17.2.3)
    request = item(StudyInstanceUID=images[0].StudyInstanceUID, AccessionNumber="", PlacerOrderNumberImagingServiceRequest="",
                   FillerOrderNumberImagingServiceRequest="", RequestedProcedureID="", RequestedProcedureDescription="",
                   RequestedProcedureCodeSequence=[], ReferencedStudySequence=[])
    return document(images, "88.50", "SR", 23, ("111036", "Mammography CAD Report"), [library, summary], ReferencedRequestSequence=[request])


def chest_cad(study, made):
    """Chest CAD SR (A.35.6, TID 4100): UIDREF items, coordinates in the frame of reference, a document that it follows on."""
    images = study["CT"]
    shown = item(RelationshipType="SELECTED FROM", ValueType="IMAGE", ReferencedSOPSequence=[reference(images[0])])
    center = content("SCOORD", "CONTAINS", ("111010", "Center"), GraphicType="POINT", GraphicData=[4.0, 4.0], ContentSequence=[shown])
    volume = content("SCOORD3D", "CONTAINS", ("111010", "Center"), GraphicType="POINT", GraphicData=[4.0, 4.0, 2.5],
                     ReferencedFrameOfReferenceUID=images[0].FrameOfReferenceUID)
    series = content("UIDREF", "CONTAINS", ("112002", "Series Instance UID"), UID=images[0].SeriesInstanceUID)
    frame = content("UIDREF", "CONTAINS", ("112227", "Frame of Reference UID"), UID=images[0].FrameOfReferenceUID)
    tracking = content("UIDREF", "CONTAINS", ("112040", "Tracking Unique Identifier"), UID=hd.UID())
    one = document(images, "88.65", "SR", 24, ("112000", "Chest CAD Report"), [center, volume, series, frame, tracking])
    if "cad" in made:
        one.PredecessorDocumentsSequence = [evidence([made["cad"]])]
    return one


def dated(study, _):
    """A Comprehensive SR that says when the images were taken, as the partner knows it, and when it looked at them (RC-03)."""
    images, now = study["CT"], datetime.now()
    taken = images[0].StudyDate
    seen = {"ObservationDateTime": now.strftime("%Y%m%d%H%M%S")}
    day = content("DATE", "CONTAINS", ("111060", "Study Date"), Date=taken, **seen)
    moment = content("DATETIME", "CONTAINS", ("111526", "DateTime Started"), DateTime=taken + "101500.5", **seen)
    inner = content("DATE", "CONTAINS", ("111060", "Study Date"), Date=taken)
    within = content("CONTAINER", "CONTAINS", ("111028", "Image Library"), ContinuityOfContent="SEPARATE", ContentSequence=[inner], **seen)
    shown = item(RelationshipType="CONTAINS", ValueType="IMAGE", ReferencedSOPSequence=[reference(images[0])])
    # copied from the image: a DA and a DT of the main data set
    return document(images, "88.33", "SR", 33, ("126000", "Imaging Measurement Report"), [shown, day, moment, within],
                    AcquisitionDate=images[0].AcquisitionDate, AcquisitionDateTime=taken + "101500", SeriesDate=now.strftime("%Y%m%d"))


def wave_report(study, _):
    """A Comprehensive SR that measures an ECG (C.18.5, C.18.7)."""
    waves = study["ECG"]
    channel = reference(waves[0], ReferencedWaveformChannels=[1, 1])
    shown = item(RelationshipType="SELECTED FROM", ValueType="WAVEFORM", ReferencedSOPSequence=[channel])
    begin = content("TCOORD", "CONTAINS", ("122212", "Onset"), TemporalRangeType="POINT", ReferencedSamplePositions=[4], ContentSequence=[shown])
    return document(waves, "88.33", "SR", 25, ("28010-7", "ECG Report", "LN"), [begin])


def wave(study, _):
    """The ECG, filtered and annotated (A.34.3, C.10.9, C.10.10)."""
    source = study["ECG"][0]
    one = plain(source, "9.1.1", "ECG", 26, AcquisitionContextSequence=[])
    one.AcquisitionDateTime = ""  # the source's was replaced by a dummy
    one.WaveformSequence = source.WaveformSequence
    one.ReferencedInstanceSequence = [reference(source, PurposeOfReferenceCodeSequence=[code("121322", "Source of Measurement")])]
    one.WaveformAnnotationSequence = [item(UnformattedTextValue="QRS onset", ReferencedWaveformChannels=[1, 1], TemporalRangeType="POINT",
                                           ReferencedSamplePositions=[4], AnnotationGroupNumber=1)]
    return one


def pseudo_color(study, _):
    images = study["CT"][:1]
    table = np.arange(256, dtype=np.uint16) * 257
    lut = hd.PaletteColorLUTTransformation(*[hd.PaletteColorLUT(0, table, color) for color in ("red", "green", "blue")])
    return hd.pr.PseudoColorSoftcopyPresentationState(images, palette_color_lut_transformation=lut, content_label="HEAT", **own(27))


def color(study, _):
    images = study["SM"]
    layer = hd.pr.GraphicLayer("LAYER", 1)
    text = hd.pr.TextObject("L1", units="PIXEL", anchor_point=(4.0, 4.0))
    annotation = hd.pr.GraphicAnnotation(images, layer, text_objects=[text])
    return hd.pr.ColorSoftcopyPresentationState(
        images, content_label="SLIDE", graphic_annotations=[annotation], graphic_layers=[layer], icc_profile=images[0].get("ICCProfile"), **own(28))


def blending(study, _):
    """Blending Softcopy Presentation State (A.33.4, C.11.14): two of the images over the third."""
    images = study["CT"]

    def layer(position, part):
        return item(BlendingPosition=position, StudyInstanceUID=images[0].StudyInstanceUID, ReferencedSeriesSequence=by_series(part, "ReferencedImageSequence"),
                    RescaleIntercept="-1024", RescaleSlope="1", RescaleType="HU", SoftcopyVOILUTSequence=[item(WindowCenter="40", WindowWidth="400")])

    shown = item(DisplayedAreaTopLeftHandCorner=[1, 1], DisplayedAreaBottomRightHandCorner=[32, 32], PresentationSizeMode="SCALE TO FIT",
                 PresentationPixelAspectRatio=[1, 1], ReferencedImageSequence=[reference(image) for image in images])
    one = plain(images[0], "11.4", "PR", 29, ContentLabel="FUSION", ContentDescription="", ContentCreatorName="", RelativeOpacity=0.5,
                BlendingSequence=[layer("SUPERIMPOSED", images[:2]), layer("UNDERLYING", images[2:])], DisplayedAreaSelectionSequence=[shown],
                ReferencedSeriesSequence=by_series(images, "ReferencedImageSequence"))
    one.PresentationCreationDate, one.PresentationCreationTime = one.ContentDate, one.ContentTime
    for keyword in ("Red", "Green", "Blue"):
        setattr(one, f"{keyword}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(one, f"{keyword}PaletteColorLookupTableData", (np.arange(256, dtype=np.uint16) * 257).tobytes())
    del one.ContentDate, one.ContentTime
    return one


def plan(study, made):
    """RT Plan (A.20): its structure set, and a dose reference of its own."""
    source = study["CT"][0]
    one = plain(source, "481.5", "RTPLAN", 30, RTPlanLabel="NET", RTPlanGeometry="PATIENT", OperatorsName="", ApprovalStatus="UNAPPROVED",
                ReferencedStructureSetSequence=[reference(made["rtstruct"])], **in_frame(source))
    one.RTPlanDate, one.RTPlanTime = one.ContentDate, one.ContentTime
    one.DoseReferenceSequence = [item(DoseReferenceNumber=1, DoseReferenceUID=hd.UID(), DoseReferenceStructureType="SITE", DoseReferenceType="TARGET")]
    one.FractionGroupSequence = [item(FractionGroupNumber=1, NumberOfFractionsPlanned=1, NumberOfBeams=0, NumberOfBrachyApplicationSetups=0)]
    del one.ContentDate, one.ContentTime
    return one


def dose(study, made):
    """RT Dose (A.18) on the grid of the images."""
    images = study["CT"]
    one = plain(images[0], "481.2", "RTDOSE", 31, OperatorsName="", DoseUnits="GY", DoseType="PHYSICAL", DoseSummationType="PLAN", DoseGridScaling="0.01",
                ReferencedRTPlanSequence=[reference(made["rtplan"])], ReferencedStructureSetSequence=[reference(made["rtstruct"])],
                ReferencedImageSequence=[reference(image) for image in images], **in_frame(images[0]))
    one.ImagePositionPatient, one.ImageOrientationPatient, one.PixelSpacing = (
        images[0].ImagePositionPatient, images[0].ImageOrientationPatient, images[0].PixelSpacing)
    first = float(images[0].ImagePositionPatient[2])
    one.GridFrameOffsetVector = [float(image.ImagePositionPatient[2]) - first for image in images]
    one.FrameIncrementPointer, one.NumberOfFrames = 0x3004000C, len(images)
    one.SliceThickness, one.SamplesPerPixel, one.PhotometricInterpretation = "2.5", 1, "MONOCHROME2"
    one.Rows, one.Columns, one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = images[0].Rows, images[0].Columns, 16, 16, 15, 0
    one.PixelData = np.ones(len(images) * one.Rows * one.Columns, dtype=np.uint16).tobytes()
    return one


def registration(study, _):
    """Spatial Registration (A.39.1, C.20.2): the slide in the frame of reference of the CT."""
    images, slides = study["CT"], study["SM"]

    def side(of):
        matrix = item(FrameOfReferenceTransformationMatrixType="RIGID", FrameOfReferenceTransformationMatrix=UNITY)
        return item(FrameOfReferenceUID=of[0].FrameOfReferenceUID, ReferencedImageSequence=[reference(image) for image in of],
                    MatrixRegistrationSequence=[item(RegistrationTypeCodeSequence=[code("125025", "Visual Alignment")], MatrixSequence=[matrix])])

    return plain(images[0], "66.1", "REG", 32, ContentLabel="RIGID", ContentDescription="", ContentCreatorName="", RegistrationSequence=[side(images), side(slides)],
                 ReferencedSeriesSequence=by_series([*images, *slides]), **in_frame(images[0]))


def deformation(study, _):
    """Deformable Spatial Registration (A.39.2, C.20.3)."""
    images, slides = study["CT"], study["SM"]
    grid = item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0], ImagePositionPatient=[0, 0, 0], GridDimensions=[1, 1, 1], GridResolution=[1.0, 1.0, 1.0],
                VectorGridData=np.zeros(3, dtype=np.float32).tobytes())
    side = item(SourceFrameOfReferenceUID=slides[0].FrameOfReferenceUID, ReferencedImageSequence=[reference(image) for image in slides],
                DeformableRegistrationGridSequence=[grid],
                RegistrationTypeCodeSequence=[code("125024", "Image Content-based Alignment")])
    return plain(images[0], "66.3", "REG", 33, ContentLabel="ELASTIC", ContentDescription="", ContentCreatorName="", DeformableRegistrationSequence=[side],
                 ReferencedSeriesSequence=by_series([*images, *slides]), **in_frame(images[0]))


def fiducials(study, _):
    """Spatial Fiducials (A.40, C.21.2): one set on an image, one in the frame of reference."""
    images = study["CT"]

    def point(number, **place):
        return item(FiducialIdentifier=f"F{number}", FiducialUID=hd.UID(), FiducialIdentifierCodeSequence=[code("112171", "Fiducial mark")], ShapeType="POINT", **place)

    flat = item(ReferencedImageSequence=[reference(images[0])], GraphicData=[4.0, 4.0])
    on_image = item(ReferencedImageSequence=[reference(image) for image in images],
                    FiducialSequence=[point(1, GraphicCoordinatesDataSequence=[flat])])
    in_space = item(FrameOfReferenceUID=images[0].FrameOfReferenceUID, FiducialSequence=[point(2, NumberOfContourPoints=1, ContourData=["2", "2", "2.5"])])
    return plain(images[0], "66.2", "FID", 34, ContentLabel="MARKS", ContentDescription="", ContentCreatorName="", FiducialSetSequence=[on_image, in_space],
                 ReferencedSeriesSequence=by_series(images), **in_frame(images[0]))


def annotations(study, _):
    algorithm = hd.AlgorithmIdentificationSequence("Net", codes.DCM.ArtificialIntelligence, "1.0")
    group = hd.ann.AnnotationGroup(
        1, hd.UID(), "Nuclei", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion, "POINT",
        [np.array([[4.0, 4.0]]), np.array([[9.0, 9.0]])], "AUTOMATIC", algorithm)
    one = hd.ann.MicroscopyBulkSimpleAnnotations(study["SM"], "2D", [group], **own(35))
    for equipment in one.get("ContributingEquipmentSequence", []):  # highdicom copies the dummy in the slide's Acquisition DateTime
        equipment.pop("ContributionDateTime", None)
    return one


def real_world_values(study, _):
    """Real World Value Mapping (A.46, C.7.6.16.2.11)."""
    images = study["CT"]
    mapping = item(LUTExplanation="u", LUTLabel="U", RealWorldValueFirstValueMapped=0, RealWorldValueLastValueMapped=4095, RealWorldValueIntercept=0.0,
                   RealWorldValueSlope=1.0, MeasurementUnitsCodeSequence=[code("1", "no units", "UCUM")])
    mapping["RealWorldValueFirstValueMapped"].VR = mapping["RealWorldValueLastValueMapped"].VR = "US"
    referenced = item(ReferencedImageSequence=[reference(image) for image in images], RealWorldValueMappingSequence=[mapping])
    return plain(images[0], "67", "RWV", 36, ContentLabel="VALUES", ContentDescription="", ContentCreatorName="",
                 ReferencedImageRealWorldValueMappingSequence=[referenced], ReferencedSeriesSequence=by_series(images))


def enhanced(study, _):
    """Enhanced CT (A.38.1): the three slices as frames of one image, each derived from its slice."""
    images = study["CT"]
    purpose = [code("121322", "Source image for image processing operation")]

    def frame(number, image):
        sources = item(DerivationCodeSequence=[code("113076", "Segmentation")], DerivationDescription="denoised",
                       SourceImageSequence=[reference(image, PurposeOfReferenceCodeSequence=purpose)])
        return item(FrameContentSequence=[item(StackID="1", InStackPositionNumber=number, DimensionIndexValues=[number])],
                    PlanePositionSequence=[item(ImagePositionPatient=image.ImagePositionPatient)], DerivationImageSequence=[sources])

    shared = item(
        PixelMeasuresSequence=[item(PixelSpacing=images[0].PixelSpacing, SliceThickness="2.5")],
        PlaneOrientationSequence=[item(ImageOrientationPatient=images[0].ImageOrientationPatient)],
        PixelValueTransformationSequence=[item(RescaleIntercept="-1024", RescaleSlope="1", RescaleType="HU")],
        FrameVOILUTSequence=[item(WindowCenter="40", WindowWidth="400")],
        CTImageFrameTypeSequence=[item(FrameType=["DERIVED", "PRIMARY", "VOLUME", "NONE"], PixelPresentation="MONOCHROME", VolumetricProperties="VOLUME",
                                       VolumeBasedCalculationTechnique="NONE")])
    dimension = hd.UID()
    one = plain(images[0], "2.1", "CT", 37, ImageType=["DERIVED", "PRIMARY", "VOLUME", "NONE"], PixelPresentation="MONOCHROME", VolumetricProperties="VOLUME",
                VolumeBasedCalculationTechnique="NONE", BurnedInAnnotation="NO", LossyImageCompression="00", PresentationLUTShape="IDENTITY",
                AcquisitionNumber=1, NumberOfFrames=3, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", AcquisitionContextSequence=[],
                SourceImageSequence=[reference(image) for image in images], ReferencedSeriesSequence=by_series(images), **in_frame(images[0]))
    one.AcquisitionDateTime = ""
    one.Rows, one.Columns, one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = images[0].Rows, images[0].Columns, 16, 12, 11, 0
    one.DimensionOrganizationSequence = [item(DimensionOrganizationUID=dimension)]
    one.DimensionIndexSequence = [item(DimensionOrganizationUID=dimension, DimensionIndexPointer=0x00209057, FunctionalGroupPointer=0x00209111)]
    one.SharedFunctionalGroupsSequence = [shared]
    one.PerFrameFunctionalGroupsSequence = [frame(number + 1, image) for number, image in enumerate(images)]
    one.PixelData = b"".join(image.PixelData for image in images)
    one["PixelData"].VR = "OW"
    return one


def encapsulated(source, suffix, modality, number, mime, body, **more):
    return plain(source, suffix, modality, number, MIMETypeOfEncapsulatedDocument=mime, EncapsulatedDocument=body + b"\n" * (len(body) % 2),
                 EncapsulatedDocumentLength=len(body), DocumentTitle="RESULT", BurnedInAnnotation="YES", AcquisitionDateTime="",
                 SourceInstanceSequence=[reference(source)], ReferencedSeriesSequence=by_series([source]), ConversionType="WSD",
                 ConceptNameCodeSequence=[code("18748-4", "Diagnostic Imaging Report", "LN")], **more)


CDA = """<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <id root="{id}"/>
  <code code="18748-4" codeSystem="2.16.840.1.113883.6.1"/>
  <title>R&#233;sultat</title>
  <effectiveTime value="{today}"/>
  <recordTarget>
    <patientRole classCode="PAT">
      <id root="1.2.826.0.1.3680043.10.999.1" extension="{code}"/>
      <addr nullFlavor="MSK"/>
      <patient><name><family>{code}</family></name><administrativeGenderCode nullFlavor="MSK"/></patient>
    </patientRole>
  </recordTarget>
  <author><time value="{today}"/><assignedAuthor><id nullFlavor="NA"/></assignedAuthor></author>
  <component><structuredBody><component><section><title>Lésion</title><text>12,5 mm³</text></section></component></structuredBody></component>
</ClinicalDocument>
"""


def clinical_document(study, _):
    """Encapsulated CDA (A.45.2)."""
    source = study["CT"][0]
    body = CDA.format(id=hd.UID(), code=source.PatientID, today=datetime.now().strftime("%Y%m%d")).encode()
    return encapsulated(source, "104.2", "DOC", 38, "text/XML", body, HL7InstanceIdentifier=f"{hd.UID()}^1")


def model(study, _):
    """Encapsulated STL (A.85.1): a binary solid of one triangle."""
    source = study["CT"][0]
    body = b"made by the partner".ljust(80, b" ") + (1).to_bytes(4, "little") + np.zeros(12, dtype="<f4").tobytes() + b"\0\0"
    return encapsulated(source, "104.3", "M3D", 39, "model/stl", body, MeasurementUnitsCodeSequence=[code("mm", "mm", "UCUM")],
                        ModelModification="NO", ModelMirroring="NO", ContentDescription="", **in_frame(source))


MAKERS = {"labelmap": label_map, "surface": surface, "cad": mammography_cad, "chestcad": chest_cad, "dated": dated, "wavesr": wave_report, "wave": wave,
          "pseudocolor": pseudo_color, "color": color, "blending": blending, "rtplan": plan, "rtdose": dose, "reg": registration, "deform": deformation,
          "fid": fiducials, "ann": annotations, "rwv": real_world_values, "enhanced": enhanced, "cda": clinical_document, "stl": model}
