"""Private elements: those of Table E.3.10-1, which stay, and others of the same and of other creators, which do not."""
from pydicom.dataset import Dataset

from midi_key import PRACTICE

# Modality of a device → (creator, group, low byte, VR, value, what stays; "" means that the element is not safe and holds the identity)
SAFE = {
    "GE": [("GEMS_ACQU_01", 0x0019, 0x23, "DS", "39.375"), ("GEMS_ACQU_01", 0x0019, 0x27, "DS", "0.8"), ("GEMS_PARM_01", 0x0043, 0x27, "SH", "0.984:1"),
           ("GEMS_HELIOS_01", 0x0045, 0x01, "SS", 64)],
    "SIEMENS": [("SIEMENS MR HEADER", 0x0019, 0x0C, "IS", "1000"), ("SIEMENS MR HEADER", 0x0019, 0x0D, "CS", "DIRECTIONAL"),
                ("SIEMENS MR HEADER", 0x0019, 0x0E, "FD", [0.25, 0.5, 0.75])],
    "Philips MR": [("Philips Imaging DD 001", 0x2001, 0x03, "FL", 800.0), ("Philips Imaging DD 001", 0x2001, 0x0B, "CS", "TRANSVERSAL"),
                   ("Philips Imaging DD 001", 0x2001, 0x18, "SL", 24), ("Philips Imaging DD 001", 0x2001, 0x87, "SH", "1H")],
    "Philips PT": [("Philips PET Private Group", 0x7053, 0x00, "DS", "0.000734"), ("Philips PET Private Group", 0x7053, 0x09, "DS", "0.312")],
    "ELSCINT": [("ELSCINT1", 0x01F1, 0x26, "DS", "1.188"), ("ELSCINT1", 0x01F1, 0x01, "CS", "HELIX")],
}


def unsafe(person, study, maker):
    """(creator, group, low byte, VR, value) of elements that hold the identity."""
    name = person.name.split("=")[0]
    return {
        "GE": [("GEMS_IDEN_01", 0x0009, 0x02, "SH", study.station), ("GEMS_ACQU_01", 0x0019, 0x02, "LO", f"{person.patient_id} {study.accession}"),
               ("GEMS_PATI_01", 0x0011, 0x10, "SH", study.accession)],
        "SIEMENS": [("SIEMENS CSA HEADER", 0x0029, 0x10, "OB", f"SV10 tPatientName <{person.burned}> tPatID <{person.patient_id}>"),
                    ("SIEMENS MEDCOM HEADER", 0x0029, 0x20, "PN", name)],
        "Philips MR": [("Philips Imaging DD 001", 0x2001, 0xC8, "LO", f"exam card of {person.burned}"), ("Philips MR Imaging DD 005", 0x2005, 0x70, "SQ", person)],
        "Philips PT": [("Philips PET Private Group", 0x7053, 0x9A, "LO", person.patient_id)],
        "ELSCINT": [("ELSCINT1", 0x01E1, 0x40, "LO", study.accession), ("MILLBROOK RIS 2.1", 0x0033, 0x13, "PN", name)],
    }[maker]


def fill(draft, study, maker):
    """Puts both kinds into the instance. The block is not always the first one: a creator of the site owns that."""
    if study.person.number % 2:
        for group in sorted({row[1] for row in SAFE[maker]}):
            draft.ds.private_block(group, "MILLBROOK LOCAL", create=True).add_new(0x01, "LO", study.accession)
            draft.key.removed(f"({group:04X},01,MILLBROOK LOCAL)", study.accession)
    for creator, group, low, vr, value in SAFE[maker]:
        draft.ds.private_block(group, creator, create=True).add_new(low, vr, value)
        at = f"({group:04X},{low:02X},{creator})"
        draft.key.add("tag_retained", at, PRACTICE)
        draft.key.kept(at, "\\".join(map(str, value)) if isinstance(value, list) else str(value))
    for creator, group, low, vr, value in unsafe(study.person, study, maker):
        at = f"({group:04X},{low:02X},{creator})"
        if vr == "SQ":
            value, text = nested(value), value.patient_id
        elif vr == "OB":
            value, text = value.encode() + b" " * (len(value) % 2), value
        else:
            text = value
        draft.ds.private_block(group, creator, create=True).add_new(low, vr, value)
        draft.key.removed(at, text)


def nested(person):
    item = Dataset()
    item.PatientID = person.patient_id
    return [item]
