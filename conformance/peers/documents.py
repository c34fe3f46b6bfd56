"""Encapsulated documents: documents.py make FOLDER, documents.py check FOLDER

`make` writes PDF documents (ISO 32000-1) that name the patient nowhere on a page (`clean`, whose metadata do), on a page (`named`),
where nobody sees it (`hidden`, text rendering mode 3), on scans where it is faint or turned, a CDA document that names people in header, narrative and attributes, and one
whose body is of another format. `check` prints one JSON object for each received file: what poppler reads and renders of its body, or what
a reader of XML finds in it, and which names are in it. Every identity is invented.
"""
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from pydicom import dcmread

from make_objects import PDF, base, uid, write_object

CDA = "1.2.840.10008.5.1.4.1.1.104.2"
HL7 = "{urn:hl7-org:v3}"
NAMES = ["Canarysson", "Wilma", "MRN-0042", "Vautrin", "Odette", "Lilas", "19570301", "Élodie"]
CLINICAL = """<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3"><realmCode code="FR"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<id root="1.2.276.0.7.4.1" extension="CR-MRN-0042"/><code code="18748-4" codeSystem="2.16.840.1.113883.6.1"/>
<title>CR de Mme Canarysson</title><effectiveTime value="20260301101500+0100"/>
<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/><languageCode code="fr-FR"/>
<recordTarget><patientRole><id root="1.2.250.1.9" extension="MRN-0042"/><addr><streetAddressLine>7 rue des Lilas</streetAddressLine></addr>
<patient><name><given>Wilma</given><family>Canarysson</family></name><birthTime value="19570301"/>
<guardian><guardianPerson><name>Odette Canarysson</name></guardianPerson></guardian></patient></patientRole></recordTarget>
<author><time value="20260301"/><assignedAuthor><id root="1.2.250.1.71.4.2.1" extension="899947110"/>
<assignedPerson><name><given>&#201;lodie</given><family>Vautrin</family></name></assignedPerson></assignedAuthor></author>
<component>%s</component></ClinicalDocument>"""
NARRATIVE = """<structuredBody><component><section ID="Canarysson"><title>Findings</title><text>
<paragraph>Mme <content styleCode="Bold">Canary</content>sson, vue par &#201;lodie VAUTRIN</paragraph>
<list><item><linkHtml href="http://example.invalid/canarysson">Foie normal &amp; net</linkHtml></item></list>
<table summary="Wilma"><tbody><tr><td>Odette</td><td>12 mm</td></tr></tbody></table></text>
<entry><observation><value>Canarysson</value></observation></entry></section></component></structuredBody>"""
OTHER_FORMAT = "<nonXMLBody><text mediaType=\"application/pdf\" representation=\"B64\">AAAA</text></nonXMLBody>"


def document(text, mode=0, matrix="1 0 0 1 72 720", grey=0):
    return pdf(f"BT {grey} g {mode} Tr /F1 24 Tf {matrix} Tm ({text}) Tj ET")


def scanned(body):
    """The first page of a document as an image in another one, which has no text."""
    page = subprocess.run(["pdftoppm", "-gray", "-r", "120", "-"], input=body, capture_output=True, check=True).stdout
    _, size, _, samples = page.split(b"\n", 3)
    width, height = size.decode().split()
    image = f"BI /W {width} /H {height} /CS /G /BPC 8 /F /AHx ID {samples.hex()}> EI"
    return pdf(f"q 595 0 0 842 0 0 cm\n{image}\nQ")


def pdf(drawn):
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 1/Kids[4 0 R]>>",
               "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
               "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents 5 0 R>>",
               f"<</Length {len(drawn)}>>stream\n{drawn}\nendstream", "<</Author(Wilma Canarysson)>>"]
    out, places = "%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(f"{len(out):010} 00000 n \n")
        out += f"{number} 0 obj{one}endobj\n"
    size, table = len(objects) + 1, len(out)
    out += f"xref\n0 {size}\n0000000000 65535 f \n{''.join(places)}trailer<</Size {size}/Root 1 0 R/Info 6 0 R>>\nstartxref\n{table}\n%%EOF\n"
    return out.encode()


def make(folder):
    bodies = {"clean": document("Conclusion: normal"), "named": document("Seen: Wilma Canarysson"),
              "hidden": document("Wilma Canarysson", mode=3), "faint": scanned(document("Wilma Canarysson", grey=0.93))}
    turned = {"quarter": "0 1 -1 0 300 200", "half": "-1 0 0 -1 500 300", "back": "0 -1 1 0 300 600"}
    bodies |= {name: scanned(document("Wilma Canarysson", matrix=matrix)) for name, matrix in turned.items()}
    for name, body in bodies.items():
        write(folder, name, PDF, "application/pdf", body)
    write(folder, "cda", CDA, "text/XML", (CLINICAL % NARRATIVE).encode())
    write(folder, "other", CDA, "text/XML", (CLINICAL % OTHER_FORMAT).encode())


def write(folder, name, sop_class, mime, body):
    one = base(name, sop_class, "DOC")
    one.PatientID, one.PatientName, one.PatientBirthDate = "MRN-0042", "Canarysson^Wilma", "19570301"
    one.StudyInstanceUID, one.SeriesInstanceUID = uid("documents"), uid("documents", name)
    one.MIMETypeOfEncapsulatedDocument, one.EncapsulatedDocument = mime, body + b"\n" * (len(body) % 2)
    one.EncapsulatedDocumentLength, one.BurnedInAnnotation, one.DocumentTitle = len(body), "YES", name
    write_object(folder, name, one)


def check(folder):
    for path in sorted(folder.glob("*.dcm")):
        one = dcmread(path)
        body = one.EncapsulatedDocument[:one.EncapsulatedDocumentLength]
        seen = clinical(body) if one.SOPClassUID == CDA else printed(body)
        data = path.read_bytes()
        named = [name for name in NAMES if name.encode() in data or name in str(seen)]
        print(json.dumps({"code": str(one.PatientID), "named": named, **seen}))


def printed(body):
    text = subprocess.run(["pdftotext", "-", "-"], input=body, capture_output=True, check=True).stdout
    page = subprocess.run(["pdftoppm", "-gray", "-"], input=body, capture_output=True, check=True).stdout
    return {"text": text.decode().strip(), "is_drawn": min(page[64:]) < 64, "images": body.count(b"/Subtype/Image")}


def clinical(body):
    root = ElementTree.fromstring(body.rstrip(b"\0"))
    role = root.find(f"{HL7}recordTarget/{HL7}patientRole")
    text = root.find(f".//{HL7}text")
    return {
        "ids": [one.get("extension") for one in role.iter() if one.tag == f"{HL7}id"],
        "cells": [cell.text for cell in text.iter(f"{HL7}td")],
        "items": ["".join(item.itertext()) for item in text.iter(f"{HL7}item")],
        "paragraphs": ["".join(one.itertext()) for one in text.iter(f"{HL7}paragraph")],
        "entries": len(list(root.iter(f"{HL7}entry"))),
        "attributes": sorted({value for one in root.iter() for name, value in one.attrib.items() if name in ("href", "summary", "ID")}),
    }


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](Path(sys.argv[2]))
