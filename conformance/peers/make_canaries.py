"""Objects in which every identifying attribute holds a value that occurs nowhere else: make_canaries.py FOLDER TABLE

TABLE is Table E.1-1 of PS3.15 as CSV (columns tag, vr, basic_profile). Writes FOLDER/sent/*.dcm, FOLDER/held/no_patient_id.dcm, which has
to be quarantined, and FOLDER/canaries.json: {canary: [regular expressions over bytes, as text in latin-1]}, none for what
find_canaries.py knows by its shape. Every identity is invented.
"""
import csv
import json
import re
import sys
from pathlib import Path

from pydicom import config
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from make_objects import PDF, SR, base, image, write_object

config.settings.reading_validation_mode = config.settings.writing_validation_mode = config.IGNORE
TEXT = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT", "AS"}
OUR_OWN = {"(0008,0005)", "(0008,0016)"}
SETS = {  # character set: (values of (0008,0005), name, Python codecs of the set)
    "latin": ("ISO_IR 100", "Zöttelmüß^Ygräd", ["latin-1"]),
    "cyrillic": ("ISO_IR 144", "Жужелицын^Фрол", ["iso8859-5"]),
    "greek": ("ISO_IR 126", "Ξενοφυλλίδης^Ψάλτης", ["iso8859-7"]),
    "utf8": ("ISO_IR 192", "Żółkwiński^Ćwirko=襲撃^颯", ["utf-8"]),
    "gb": ("GB18030", "Chuxuan^Zyq=褚^璇瑢", ["gb18030"]),
    "japanese": (["", "ISO 2022 IR 87"], "Wakizaka^Qyo=脇坂^鏡=わきざか^きょう", ["iso2022_jp"]),
    "korean": (["", "ISO 2022 IR 149"], "Namgung^Qyl=南宮^㓹=남궁^귤".replace("㓹", "橘"), ["iso2022_kr", "euc_kr"]),
}
CANARIES = {}


def keep(name, *patterns):
    """Words ZKhhhhKZ, UIDs 2.999.8642.n and dates of the years 1801 to 1890 need no pattern."""
    CANARIES[name] = [pattern.decode("latin-1") for pattern in patterns]


def text(vr):
    number = len(CANARIES) + 1
    if vr == "AS":  # cannot be made unique: has no canary
        return "077Y"
    value = f"ZK{number:04X}KZ"
    keep(value)
    return f"{value}^{value}" if vr == "PN" else f"http://{value}/" if vr == "UR" else value


def date():
    number = len(CANARIES) + 1
    value = f"{1801 + number % 90}{1 + number % 12:02}{1 + number % 28:02}"
    keep(value)
    return value


def identifier():
    value = f"2.999.8642.{len(CANARIES) + 1}"
    keep(value)
    return value


def planted(vr):
    if vr in TEXT:
        return text(vr)
    return {"DA": date, "DT": lambda: date() + "101500.000000", "UI": identifier}.get(vr, lambda: None)()


def plant(one, table):
    for row in table:
        match = re.fullmatch(r"\(([0-9A-F]{4}),([0-9A-F]{4})\)", row["tag"])
        if not match or row["tag"] in OUR_OWN or not row["basic_profile"]:
            continue
        group, element = int(match[1], 16), int(match[2], 16)
        value = planted(row["vr"].split(" ")[0]) if group >= 8 and group != 0x7FE0 else None
        if value:
            one.add_new((group, element), row["vr"].split(" ")[0], value)


def hidden(one):
    """Places that no table names: nested, private, UN, behind a standard attribute."""
    inner = Dataset()
    inner.PatientID, inner.TypeOfPatientID, inner.PatientName = text("LO"), "TEXT", text("PN")
    one.OtherPatientIDsSequence = Sequence([inner])
    request = Dataset()
    request.ScheduledProcedureStepID, request.RequestedProcedureDescription = text("SH"), text("LO")
    request.RequestingPhysician, request.StudyInstanceUID = text("PN"), identifier()
    one.RequestAttributesSequence = Sequence([request])
    block = one.private_block(0x0029, "CONFORMANCE 1", create=True)
    block.add_new(0x10, "LO", text("LO"))
    block.add_new(0x11, "UN", text("LT").encode())
    one.add_new((0x0033, 0x1001), "UN", text("LT").encode())
    return one


def person(one, patient_id=True):
    one.PatientName, one.ReferringPhysicianName, one.AccessionNumber = text("PN"), text("PN"), text("SH")
    one.PatientID, one.PatientBirthDate = text("LO") if patient_id else "", date()
    one.StudyDate = one.SeriesDate = one.ContentDate = date()
    one.InstitutionName, one.StudyDescription = text("LO"), text("LO")
    one.StudyInstanceUID, one.SeriesInstanceUID, one.SOPInstanceUID = identifier(), identifier(), identifier()
    return one


def in_character_set(key):
    charset, name, codecs = SETS[key]
    one = person(image(f"canary {key}", side=16, charset=charset))
    one.PatientName = one.OperatorsName = one.NameOfPhysiciansReadingStudy = name
    one.PatientAddress = one.InstitutionAddress = name.split("=")[-1].replace("^", " ")
    for part in re.split(r"[=^]", name):
        if part.isascii():
            keep(f"{key} {part}", re.escape(part.encode()))
        else:
            encoded = {re.escape(part.encode(codec)) for codec in codecs} | {re.escape(part.encode())}
            if min(map(len, encoded)) > 4:  # two bytes are anywhere
                keep(f"{key} {len(CANARIES)}", *encoded)
    return one


def report():
    one = person(base("canary sr", SR, "SR"))
    one.ValueType, one.ContinuityOfContent, one.CompletionFlag, one.VerificationFlag = (
        "CONTAINER", "SEPARATE", "COMPLETE", "UNVERIFIED")
    item = Dataset()
    item.RelationshipType, item.ValueType, item.TextValue = "CONTAINS", "TEXT", f"seen by {text('LT')}"
    name = Dataset()
    name.RelationshipType, name.ValueType, name.PersonName = "HAS OBS CONTEXT", "PNAME", text("PN")
    one.ContentSequence = Sequence([item, name])
    return one


def document():
    one = person(base("canary pdf", PDF, "DOC"))
    one.DocumentTitle, one.MIMETypeOfEncapsulatedDocument = text("ST"), "application/pdf"
    one.EncapsulatedDocument = f"%PDF-1.4\n% {text('LT')}\n%%EOF\n".encode()
    return one


def main():
    folder, table = Path(sys.argv[1]), list(csv.DictReader(open(sys.argv[2], encoding="utf-8")))
    for part in ("sent", "held"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    whole = image("canary whole", side=16)
    plant(whole, table)
    objects = {"whole": hidden(whole), "report": report(), "document": document()}
    objects |= {f"set_{key}": in_character_set(key) for key in SETS}
    for name, one in objects.items():
        write_object(folder / "sent", name, one)
    write_object(folder / "held", "no_patient_id", person(image("canary held", side=16), patient_id=False))
    (folder / "canaries.json").write_text(json.dumps(CANARIES))
    print(json.dumps({"objects": len(objects), "canaries": len(CANARIES)}))


if __name__ == "__main__":
    main()
