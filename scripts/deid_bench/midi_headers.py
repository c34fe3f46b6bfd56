"""The modules that every instance has: patient, study, series, equipment, SOP common, and the texts with something planted in them."""
from midi_key import DICOM, place
from midi_people import spoken
from midi_study import code
from midi_text import compose, keep, plants, record

# Harmless descriptions by modality: examination, series, protocol.
DESCRIPTIONS = {
    "CT": [("CT CHEST W CONTRAST", "AXIAL THIN 1.25 LUNG", "Chest routine 120 kV"), ("CT ABDOMEN AND PELVIS", "PORTAL VENOUS 3.0 B30f", "Abdomen pelvis dual phase")],
    "MR": [("MRI BRAIN W WO CONTRAST", "AX T2 LONG TE FLAIR", "Brain tumor protocol"), ("IRM encephale injection", "SAG PD FAT SAT", "Crane routine 3T")],
    "PT": [("PET CT WHOLE BODY FDG", "WB AC ITERATIVE 4i21s", "Oncology FDG skull to thigh")],
    "CR": [("XR CHEST 2 VIEWS", "PA ERECT", "Chest PA lateral")], "DX": [("XR HAND LEFT", "HAND OBLIQUE", "Extremity upper")],
    "MG": [("MAMMOGRAPHY SCREENING BILATERAL", "L MLO", "Screening 2D")], "XA": [("CORONARY ANGIOGRAPHY", "LEFT CORONARY RAO CAUDAL", "Cardiac cine 15 fps")],
    "US": [("US ABDOMEN COMPLETE", "LIVER RIGHT LOBE", "Abdomen general")], "SC": [("CT CHEST W CONTRAST", "DOSE SUMMARY", "Chest routine")],
    "SR": [("CT CHEST W CONTRAST", "MEASUREMENTS", "")], "RTSTRUCT": [("PELVIS PLANNING", "STRUCTURES", "")],
}
BODY = {"CT": "CHEST", "MR": "BRAIN", "PT": "WHOLEBODY", "CR": "CHEST", "DX": "HAND", "MG": "BREAST", "XA": "HEART", "US": "ABDOMEN", "SC": "CHEST"}
# Text elements and harmless words that they may hold beside something planted.
TEXTS = [
    ("ImageComments", 200, "motion artifact in lower slices, repeat acquisition not needed"),
    ("AdditionalPatientHistory", 200, "history of colon carcinoma, hypertension, prior lobectomy"),
    ("PatientComments", 200, "claustrophobia, needs wheelchair"),
    ("AdmittingDiagnosesDescription", 64, "pulmonary embolism suspected"),
    ("RequestedProcedureDescription", 64, "chest with contrast"),
    ("DerivationDescription", 200, "multiplanar reformat, maximum intensity projection"),
    ("ReasonForStudy", 64, "nodule follow up"),
    ("MedicalAlerts", 64, "contrast reaction mild"),
    ("AcquisitionComments", 200, "breath hold incomplete"),
    ("StudyComments", 200, "compare previous examination, lesion stable"),
    ("PerformedProcedureStepDescription", 64, "helical acquisition"),
    ("AcquisitionDeviceProcessingDescription", 64, "edge enhancement filter"),
    ("ContrastBolusAgent", 64, "iohexol 350"),
    ("VisitComments", 200, "inpatient surgery ward"),
    ("AcquisitionProtocolDescription", 200, "dual source high pitch"),
    ("InterpretationText", 200, "no acute abnormality, mild degenerative change"),
]


def encodable(text, charset):
    """Whether the character set of the object can hold the text."""
    codecs = {None: "ascii", "ISO_IR 100": "latin-1", "ISO_IR 101": "iso8859_2", "ISO_IR 126": "iso8859_7", "ISO_IR 144": "iso8859_5", "ISO_IR 192": "utf-8", "GB18030": "gb18030"}
    charset = charset if charset is None or isinstance(charset, str) else list(charset)
    codec = "iso2022_jp" if charset == ["", "ISO 2022 IR 87"] else "euc_kr" if isinstance(charset, list) else codecs[charset]
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def patient(draft, person):
    draft.gone(PatientName=person.name, PatientID=person.patient_id, PatientAddress=f"{person.street}, {person.town}",
               PatientTelephoneNumbers=person.phone, IssuerOfPatientID=person.hospital[0])
    draft.key.patient(person.patient_id)
    draft.required(PatientID=person.patient_id)
    draft.key.required(place("PatientName"), filled=False)
    draft.dates(PatientBirthDate=person.born.strftime("%Y%m%d"))
    draft.kept(PatientSex=person.sex, PatientWeight="71.5", PatientSize="1.74")
    other = draft.item("OtherPatientIDsSequence")
    other.gone(PatientID=person.national)
    other.put(TypeOfPatientID="TEXT")
    if person.age > 89:
        draft.gone(PatientAge=f"{person.age:03}Y")
    else:
        draft.kept(PatientAge=f"{person.age:03}Y")
    draft.kept(EthnicGroup="not stated")


def study_and_series(draft, study, modality, series_uid, series, description):
    person, day = study.person, study.day.strftime("%Y%m%d")
    draft.uids(StudyInstanceUID=study.uid, SeriesInstanceUID=series_uid)
    draft.required(Modality=modality, StudyInstanceUID=study.uid, SeriesInstanceUID=series_uid)
    draft.dates(StudyDate=day, SeriesDate=day, ContentDate=day, InstanceCreationDate=day, PerformedProcedureStepStartDate=day)
    draft.put(StudyTime=study.time, SeriesTime=study.time, ContentTime=study.time, InstanceCreationTime=study.time, PerformedProcedureStepStartTime=study.time)
    for keyword in ("StudyDate", "StudyTime"):
        draft.key.add("text_notnull", place(keyword), "TCIA")
    draft.gone(AccessionNumber=study.accession, StudyID=study.study_id, ReferringPhysicianName=person.referring,
               OperatorsName=person.operator, PerformingPhysicianName=person.referring, AdmissionID=study.admission)
    draft.put(SeriesNumber=series, AcquisitionNumber=1)
    draft.key.kept(place("SeriesNumber"), str(series), DICOM)
    procedure = draft.item("ProcedureCodeSequence")
    procedure.put(CodeValue="RPID16", CodingSchemeDesignator="RADLEX")
    procedure.kept(CodeMeaning=description)
    request = draft.item("RequestAttributesSequence")
    request.gone(ScheduledProcedureStepID=f"SPS{study.study_id}", RequestedProcedureID=f"RP{study.study_id}",
                 ScheduledProcedureStepDescription=f"for {spoken(person.referring)}")


def equipment(draft, study, maker, model, software):
    draft.kept(Manufacturer=maker, ManufacturerModelName=model, SoftwareVersions=software)
    draft.gone(DeviceSerialNumber=study.serial, StationName=study.station, InstitutionName=study.person.hospital[0],
               InstitutionAddress=study.person.hospital[1], InstitutionalDepartmentName=f"Radiology of {study.person.hospital[0]}")
    draft.dates(DateOfLastCalibration=study.day.strftime("%Y%m%d"))


def descriptions(draft, study, modality, number):
    """Study, series and protocol descriptions; each third has something planted."""
    person = study.person
    choice = DESCRIPTIONS[modality]
    texts = choice[person.number % len(choice)]
    for turn, (keyword, harmless) in enumerate(zip(("StudyDescription", "SeriesDescription", "ProtocolName"), texts)):
        if harmless:
            planted = plants(person, study, number)[(number + turn * 7) % 20] if (number + turn) % 3 == 0 else []
            text(draft, keyword, 64, harmless, planted)
    return texts[0]


def text(draft, keyword, limit, harmless, planted):
    """The harmless words, with what is planted where it fits and the character set can hold it."""
    composed = compose(harmless, planted, limit)
    if composed is None or not encodable(composed[0], draft.ds.get("SpecificCharacterSet")):
        composed = harmless, [keep(harmless)]
    draft.put(**{keyword: composed[0]})
    record(draft.key, draft.at(keyword), composed[1])


def comments(draft, study, number):
    """Three text elements in turns, each with one or two planted identifiers; every fifth instance has a UID in its text."""
    found = plants(study.person, study, number)
    for turn in range(3):
        keyword, limit, harmless = TEXTS[(number * 3 + turn) % len(TEXTS)]
        planted = found[(number + turn * 6) % 20]
        if limit > 64:
            planted = [*planted, *found[(number + turn * 6 + 9) % 20]]
        text(draft, keyword, limit, harmless, planted)
    if number % 5 == 0 and "StudyComments" not in draft.ds:
        draft.put(StudyComments=f"see study {study.uid}")
        draft.key.uid(draft.at("StudyComments"), study.uid, linked=False)


def anatomy(draft, modality):
    if modality in BODY:
        draft.kept(BodyPartExamined=BODY[modality])
    if modality in ("DX", "MG"):
        code(draft, "AnatomicRegionSequence", "85562004" if modality == "DX" else "76752008", "SCT", "Hand" if modality == "DX" else "Breast")


def patient_module_extras(draft, study, number):
    """Identifiers in places that are easily forgotten."""
    person = study.person
    turn = number % 5
    if turn == 0:
        draft.gone(OtherPatientNames=person.name.split("=")[0], PatientMotherBirthName=person.name.split("=")[0])
    elif turn == 1:
        draft.gone(MilitaryRank="Captain", BranchOfService="Coastal artillery", CountryOfResidence="Vaubourgia", RegionOfResidence="Tarnfield county")
    elif turn == 2:
        draft.gone(RequestingPhysician=person.referring, RequestingService=f"Ward of {person.hospital[0]}")
    elif turn == 3:
        physician = draft.item("ReferringPhysicianIdentificationSequence")
        physician.gone(InstitutionName=person.hospital[0], PersonTelephoneNumbers=person.phone)
    else:
        draft.dates(AdmittingDate=study.day.strftime("%Y%m%d"))
        draft.gone(CurrentPatientLocation=f"bed 12 {person.hospital[0]}", PatientReligiousPreference="Tarnfieldian")
