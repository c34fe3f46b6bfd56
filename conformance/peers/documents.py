"""Encapsulated documents: documents.py make FOLDER, documents.py check FOLDER

`make` writes PDF documents (ISO 32000-1) that name the patient nowhere on a page (`clean`, whose metadata do), on a page (`named`),
where nobody sees it (`hidden`, text rendering mode 3), and a CDA document. `check` prints one JSON object for each received file: what
poppler reads and renders of its body, and which names are in it. Every identity is invented.
"""
import json
import subprocess
import sys
from pathlib import Path

from pydicom import dcmread

from make_objects import PDF, base, uid, write_object

CDA = "1.2.840.10008.5.1.4.1.1.104.2"


def document(text, mode=0):
    drawn = f"BT {mode} Tr /F1 24 Tf 72 720 Td ({text}) Tj ET"
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
              "hidden": document("Wilma Canarysson", mode=3)}
    for name, body in bodies.items():
        write(folder, name, PDF, "application/pdf", body)
    write(folder, "cda", CDA, "text/XML", b"<ClinicalDocument xmlns=\"urn:hl7-org:v3\"/>")


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
        text = subprocess.run(["pdftotext", "-", "-"], input=body, capture_output=True, check=True).stdout
        page = subprocess.run(["pdftoppm", "-gray", "-"], input=body, capture_output=True, check=True).stdout
        print(json.dumps({
            "text": text.decode().strip(), "is_drawn": min(page[64:]) < 64,
            "named": [name for name in ["Canarysson", "Wilma", "MRN-0042"] if name.encode() in path.read_bytes()],
            "images": body.count(b"/Subtype/Image"),
        }))


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](Path(sys.argv[2]))
