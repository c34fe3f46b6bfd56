"""Judges what came back into the clinical PACS: check_return.py ORIGINALS PARTNER SENT PACS [BESIDE]

ORIGINALS: the files as the modality sent them. PARTNER: the images as the partner holds them. SENT: the results as the partner sent them.
PACS: everything that the clinical PACS holds. BESIDE: results of another partner, which are judged in a run of their own. Fails with every reason found. Prints {"results": N, "references": how many were resolved,
"restored": UIDs that went back, "in_source_set": results in the character set of their source}.

Rules: AC8.3 to AC8.10; the oracles are pydicom, `dcentvfy` and `dciodvfy` of dicom3tools.
"""
import json
import re
import subprocess
import sys
import tempfile
from copy import deepcopy
from pathlib import Path
from xml.etree import ElementTree

import pydicom

# Attributes of the modules Patient Study and General Study (PS3.3 C.7.2.1, C.7.2.2) outside of group 0010; of that, all are the patient's.
ENTITY = {"StudyDate", "StudyTime", "AccessionNumber", "IssuerOfAccessionNumberSequence", "ReferringPhysicianName",
          "ReferringPhysicianIdentificationSequence", "ConsultingPhysicianName", "ConsultingPhysicianIdentificationSequence",
          "StudyDescription", "ProcedureCodeSequence", "PhysiciansOfRecord", "PhysiciansOfRecordIdentificationSequence",
          "NameOfPhysiciansReadingStudy", "PhysiciansReadingStudyIdentificationSequence", "AdmittingDiagnosesDescription",
          "AdmittingDiagnosesCodeSequence", "ReferencedStudySequence", "StudyInstanceUID", "StudyID", "RequestingService",
          "RequestingServiceCodeSequence", "ReasonForVisit", "ReasonForVisitCodeSequence", "AdmissionID", "IssuerOfAdmissionIDSequence",
          "ServiceEpisodeID", "ServiceEpisodeDescription", "IssuerOfServiceEpisodeIDSequence", "PatientState",
          "ReasonForPerformedProcedureCodeSequence"}
STANDARD = "1.2.840.10008."
PROBLEMS = []


def demand(truth, text):
    if not truth:
        PROBLEMS.append(text)


def files(folder):
    return [path for path in sorted(Path(folder).rglob("*")) if path.is_file() and pydicom.misc.is_dicom(path)]


def read(folder):
    return {path: pydicom.dcmread(path) for path in files(folder)}


def data_set(path):
    """Bytes after the file meta information (PS3.10 7.1)."""
    data = path.read_bytes()
    return data[144 + int.from_bytes(data[140:144], "little"):]


def entity(dataset):
    """The elements of patient and study: (tag, ...) → (VR, value bytes as they stand in the file), sequences with their items."""
    for tag in sorted(dataset.keys()):
        if tag.group == 0x0010 or pydicom.datadict.keyword_for_tag(tag) in ENTITY:
            yield from values(dataset, tag, ())


def values(dataset, tag, path):
    raw = dataset.get_item(tag)
    vr = raw.VR or pydicom.datadict.dictionary_VR(tag)
    if vr != "SQ":
        yield (*path, tag), (vr, bytes(raw.value or b""))
        return
    yield (*path, tag), ("SQ", len(dataset[tag].value))
    for index, item in enumerate(dataset[tag].value):
        for inner in sorted(item.keys()):
            yield from values(item, inner, (*path, tag, index))


def uids(dataset, path=()):
    for element in dataset:
        if element.VR == "SQ":
            for index, item in enumerate(element.value):
                yield from uids(item, (*path, element.tag, index))
        elif element.VR == "UI" and element.value:
            for index, value in enumerate(element.value if element.VM > 1 else [element.value]):
                yield (*path, element.tag, index), str(value)


def errors(path):
    """dciodvfy's error lines without values and item numbers."""
    done = subprocess.run(["dciodvfy", "-new", path], stdin=subprocess.DEVNULL, capture_output=True)
    lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
    return {re.sub(r"\[\d+\]", "", re.sub(r" = <[^>]*>.*", "", line)) for line in lines if line.startswith("Error")}


def check_entity(result_path, result, original_path, original):
    if result.get("SpecificCharacterSet") == original.get("SpecificCharacterSet"):
        theirs, ours = (dict(entity(pydicom.dcmread(path))) for path in (result_path, original_path))
    else:
        theirs, ours = ({element.tag: element for element in copy_of(one)
                         if element.tag.group == 0x0010 or element.keyword in ENTITY} for one in (result, original))
    for place in sorted({*theirs, *ours}, key=str):
        demand(theirs.get(place) == ours.get(place), f"{place} of patient or study: {theirs.get(place)} for {ours.get(place)}")


def check_marks(result, sent):
    demand(result.get("PatientIdentityRemoved") == "NO", "(0012,0062) is not NO")
    for keyword in ("DeidentificationMethod", "DeidentificationMethodCodeSequence", "LongitudinalTemporalInformationModified"):
        demand(keyword not in result, f"{keyword} is still there")
    demand(result.get("ContentQualification") == "RESEARCH", "(0018,9004) is not RESEARCH")
    description = f"RESEARCH: {sent.get('SeriesDescription') or ''}".strip()
    demand(result.get("SeriesDescription") == description, f"Series Description {result.get('SeriesDescription')!r}")
    demand(len(result.get("ContributingEquipmentSequence", [])) == len(sent.get("ContributingEquipmentSequence", [])) + 1, "(0018,A001)")
    demand(result.SeriesNumber == 9000 + sent.SeriesNumber, f"Series Number {result.SeriesNumber}")
    if "ImageType" in sent:
        demand(result.ImageType[0] == "DERIVED", f"Image Type {result.ImageType}")
    demand(result.get("Manufacturer") == sent.get("Manufacturer"), "Manufacturer of the partner")
    demand("ClinicalTrialSubjectID" not in result, "(0012,0040) is still there")


def check_altered(result, sent, codes):
    """RR-11: what the partner wrote in the place of the code, or as its time zone, and nothing else."""
    altered = {keyword: sent.get(keyword) for keyword in ("PatientID", "PatientName", "ClinicalTrialSubjectID", "TimezoneOffsetFromUTC")
               if keyword in sent and str(sent.get(keyword)) not in codes}
    items = result.get("OriginalAttributesSequence", [])
    demand(len(items) == bool(altered), f"(0400,0561) has {len(items)} items, the partner altered {sorted(altered)}")
    for item in items:
        recorded = {element.keyword: element.value for element in item.ModifiedAttributesSequence[0]}
        demand(recorded == altered, f"(0400,0550) has {sorted(recorded)}")
        demand((item.SourceOfPreviousValues, item.ReasonForTheAttributeModification) == ("uni", "COERCE"), "(0400,0564), (0400,0565)")


def check_uids(result, sent, forward):
    """Each UID is the partner's own, or went back by one map."""
    before = dict(uids(sent))
    for path, value in uids(result):
        old = before.get(path)
        if old is None or old == value:
            continue
        demand(not old.startswith(STANDARD), f"standard UID {old} was changed")
        demand(forward.setdefault(old, value) == value, f"{old} went back to two UIDs")


def known(pacs):
    """UIDs of everything that the PACS holds, by what they name."""
    names = {"instance": set(), "series": set(), "study": set(), "frame": set()}
    for one in pacs.values():
        names["instance"].add(one.SOPInstanceUID)
        names["series"].add(one.SeriesInstanceUID)
        names["study"].add(one.StudyInstanceUID)
        names["frame"].add(one.get("FrameOfReferenceUID"))
    return names


# UIDREF content items that point at something (PS3.16 Annex D).
CONCEPTS = {"112002": ("series",), "121232": ("series",), "112227": ("frame",)}
ROLES = {"ReferencedSOPInstanceUID": ("instance", "study"), "SeriesInstanceUID": ("series",), "StudyInstanceUID": ("study",),
         "FrameOfReferenceUID": ("frame",), "ReferencedFrameOfReferenceUID": ("frame",), "SourceFrameOfReferenceUID": ("frame",)}


def check_references(result, names):
    resolved = 0
    for path, value in uids(result):
        roles = ROLES.get(pydicom.datadict.keyword_for_tag(path[-2]))
        if roles and value not in ("",) and not value.startswith(STANDARD):
            demand(any(value in names[role] for role in roles), f"{pydicom.datadict.keyword_for_tag(path[-2])} {value} is not at the PACS")
            resolved += len(path) > 2
    for one in result.iterall():
        for content in one.value if one.keyword == "ContentSequence" else []:
            roles = CONCEPTS.get(content.ConceptNameCodeSequence[0].CodeValue) if content.ValueType == "UIDREF" else None
            if roles:
                demand(any(content.UID in names[role] for role in roles), f"UIDREF {content.UID} is not at the PACS")
                resolved += 1
    return resolved


def check_clinical_document(result, original):
    """Table 8.3: the patient role of a CDA (HL7 CDA R2 4.2.2.13) is the original's, all else is as the partner wrote it."""
    hl7 = {"c": "urn:hl7-org:v3"}
    root = ElementTree.fromstring(result.EncapsulatedDocument.rstrip(b"\0\n"))
    roles = root.findall("c:recordTarget/c:patientRole", hl7)
    demand(len(roles) == 1, f"{len(roles)} patient roles")
    role = roles[0]
    demand([one.get("extension") for one in role.findall("c:id", hl7)] == [original.PatientID], "patientRole/id")
    names = [(one.findtext("c:family", "", hl7), one.findtext("c:given", "", hl7)) for one in role.findall("c:patient/c:name", hl7)]
    groups = [group.split("^") for group in str(original.PatientName).split("=") if group]
    demand(names == [(group[0], group[1]) for group in groups], f"patientRole/patient/name {names}")
    demand(role.find("c:patient/c:administrativeGenderCode", hl7).get("code") == original.PatientSex, "administrativeGenderCode")
    demand(role.find("c:patient/c:birthTime", hl7).get("value") == original.PatientBirthDate, "birthTime")
    demand(root.findtext(".//c:section/c:text", "", hl7) == "12,5 mm³", "the text of the partner")


def check_nothing_left(path, partner):
    data = path.read_bytes()
    secrets = {one.PatientID for one in partner.values()}
    for one in partner.values():
        secrets |= {value for _, value in uids(one) if not value.startswith(STANDARD)}
    for secret in secrets:
        demand(secret.encode() not in data, f"{path.name}: {secret} is still in it")


def texts(dataset):
    """Every value that is written in the data set's character set (PS3.5 6.1.2.2)."""
    for element in dataset.iterall():
        if element.VR in ("LO", "LT", "PN", "SH", "ST", "UC", "UT") and element.value:
            yield from map(str, element.value if element.VM > 1 else [element.value])


def fits(result, character_set):
    """Whether each character of the result has a place in one of the sets of (0008,0005)."""
    terms = [character_set] if isinstance(character_set, str) else list(character_set or [""])
    codecs = [pydicom.charset.python_encoding[term] if term else "ascii" for term in terms]

    def has(codec, character):
        try:
            return bool(character.encode(codec))
        except UnicodeEncodeError:
            return False

    return all(any(has(codec, character) for codec in codecs) for text in texts(result) for character in text)


def check_study(study, character_set):
    """`dcentvfy` on one study at the PACS, whose originals have `character_set`; answers how many objects it compared in it.

    dcentvfy compares bytes and knows no character sets. A result goes back in its source's set whenever that holds the partner's text, and
    is compared as it lies at the PACS. A text that it cannot hold (an umlaut beside ISO 2022 IR 87) has to be written in another set, and
    then no literal comparison with the source can succeed: PS3.3 C.12.1.1.2 has one set for the identity and the partner's text of an
    object. AC8.10 asks for equal decoded values there: dcentvfy gets copies of the study in one set, beside the literal comparison of the
    rest. That nothing is written in another set without need is checked here too.
    """
    same = {path: one for path, one in study.items() if one.get("SpecificCharacterSet") == character_set}
    for path, one in study.items():
        demand(path in same or not fits(one, character_set), f"{path.name} is needlessly in {one.get('SpecificCharacterSet')}")
    run_dcentvfy(same)
    if len(same) < len(study):
        with tempfile.TemporaryDirectory() as folder:
            copies = [Path(folder) / f"{number}.dcm" for number in range(len(study))]
            for path, one in zip(copies, study.values()):
                copy_of(one).save_as(path)
            run_dcentvfy(copies)
    return len(same)


def run_dcentvfy(paths):
    with tempfile.NamedTemporaryFile("w") as listing:
        listing.write("".join(f"{path}\n" for path in paths))
        listing.flush()
        done = subprocess.run(["dcentvfy", "-f", listing.name], stdin=subprocess.DEVNULL, capture_output=True)
    for line in (done.stdout + done.stderr).decode("latin-1").splitlines():
        demand(not line.startswith("Error"), f"dcentvfy: {line}")


def copy_of(one):
    copy = deepcopy(one)
    copy.decode()
    copy.SpecificCharacterSet = "ISO_IR 192"
    return copy


def main():
    originals, partner, sent, pacs = map(read, sys.argv[1:5])
    ours = {one.SOPInstanceUID for one in sent.values()}
    partner = {path: one for path, one in partner.items() if one.SOPInstanceUID not in ours}
    beside = {one.SOPInstanceUID for folder in sys.argv[5:] for one in read(folder).values()}
    demand(beside <= {one.SOPInstanceUID for one in pacs.values()}, "results of the other partner are not at the PACS")
    pacs = {path: one for path, one in pacs.items() if one.SOPInstanceUID not in beside}
    by_uid = {one.SOPInstanceUID: (path, one) for path, one in pacs.items()}
    demand(len(by_uid) == len(pacs), "the PACS holds an instance twice")
    for path, one in originals.items():
        there = by_uid.get(one.SOPInstanceUID)
        demand(there is not None and data_set(there[0]) == data_set(path), f"original {path.name} is not there unchanged")
    demand(len(pacs) == len(originals) + len(sent), f"{len(pacs)} at the PACS for {len(originals)} originals and {len(sent)} results")
    names, forward, references = known(pacs), {}, 0
    source_series = {one.SeriesInstanceUID for one in originals.values()}
    for sent_path, one in sent.items():
        there = by_uid.get(one.SOPInstanceUID)
        if there is None:
            demand(False, f"result {sent_path.name} is not at the PACS")
            continue
        path, result = there
        study = [(of, original) for of, original in originals.items() if original.StudyInstanceUID == result.StudyInstanceUID]
        demand(study, f"{sent_path.name} is in no original study")
        if study:
            check_entity(path, result, *study[0])
            if result.get("MIMETypeOfEncapsulatedDocument") == "text/XML":
                check_clinical_document(result, study[0][1])
        demand(result.SeriesInstanceUID not in source_series, "an original series was added to")
        check_marks(result, one)
        check_altered(result, one, {str(image.PatientID) for image in partner.values()})
        check_uids(result, one, forward)
        references += check_references(result, names)
        check_nothing_left(path, partner)
        for line in sorted(errors(path) - errors(sent_path)):
            demand(False, f"{sent_path.name}: new {line}")
    demand(len(set(forward.values())) == len(forward), "two UIDs went back to one")
    in_source_set = -len(originals)
    for study, character_set in {one.StudyInstanceUID: one.get("SpecificCharacterSet") for one in originals.values()}.items():
        in_source_set += check_study({path: one for path, one in pacs.items() if one.StudyInstanceUID == study}, character_set)
    if PROBLEMS:
        sys.exit("check_return:\n" + "\n".join(PROBLEMS[:40]))
    print(json.dumps({"results": len(sent), "references": references, "restored": len(forward), "in_source_set": in_source_set}))


if __name__ == "__main__":
    main()
