"""The answer key: what has to be true of an instance after de-identification, in the ten kinds of check of the MIDI-B benchmark.

A place is a path of steps: `(0008,1030)`, `(0008,1115)[0]` for an item, `(0019,0C,SIEMENS MR HEADER)` for a private element by creator and
low byte. `a | b` is the first of two that is there. A sequence at the end of a path means all the text in it.
"""
import csv
import re

from pydicom.datadict import tag_for_keyword

from ours import OPTIONS, ROOT

TABLE = ROOT / "crates/deidentification/data/table_e1_1.csv"
# What TCIA does, and what the shipped profile `tcia` is for (Basic Profile and these).
TCIA = ("clean_pixel_data", "clean_descriptors", "retain_longitudinal_modified_dates", "retain_patient_characteristics", "retain_safe_private")
HIPAA, DICOM, PRACTICE = "HIPAA", "DICOM", "TCIA"
# Kinds in which one failure is a leak or a broken link (4 to 10).
STRICT = ("text_removed", "date_shifted", "uid_changed", "pixels_hidden", "pixels_retained", "uid_consistent", "patid_consistent")
KINDS = ("tag_retained", "text_notnull", "text_retained", *STRICT)
# Words that say nothing about anybody.
STOP_WORDS = set("a an and as at by de des du for from in is la le les of on or per the to und van von with dr mr mrs ms mme prof".split())


def words(text):
    """Words in which nothing but letters and digits stands, in one case; stop words and single letters or digits aside."""
    found = re.findall(r"[^\W_]+", text.casefold())
    return [word for word in found if word not in STOP_WORDS and (len(word) > 1 or not word.isascii())]


def place(keyword):
    tag = tag_for_keyword(keyword)
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def actions():
    """{place: action under Basic Profile and the options of TCIA}; K and C of an option come before the Basic action."""
    columns = [column for option in TCIA if (column := OPTIONS[option][1])]
    found = {}
    with open(TABLE, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            chosen = {row[column] for column in columns if row.get(column)}
            found[row["tag"]] = "C" if "C" in chosen else "K" if chosen else row["basic_profile"]
    return found


class Key:
    """Checks of one instance. What an element's action is says the table; the key only knows what stands in the element."""
    TABLE = actions()

    def __init__(self):
        self.checks = []

    def add(self, kind, at, category, **expected):
        self.checks.append({"kind": kind, "at": at, "category": category, **expected})

    def action(self, at):
        last = at.split("/")[-1].split("[")[0]
        return self.TABLE.get(last, "")

    # ---- what stays ---------------------------------------------------------------------------------------------------
    def required(self, at, filled=True):
        """An element that the IOD requires, with a value or without."""
        self.add("text_notnull" if filled else "tag_retained", at, DICOM)

    def kept(self, at, text, category=PRACTICE):
        """Harmless text, of an element that the table leaves, keeps or cleans."""
        if self.action(at) not in ("", "K", "C"):
            raise ValueError(f"the table takes {at} away")
        self.add("text_retained", at, category, text=text, words=words(text))

    def marked(self, at):
        self.add("text_notnull", at, DICOM)

    # ---- what goes ----------------------------------------------------------------------------------------------------
    def removed(self, at, text, category=HIPAA):
        """Identifying text: none of its words is left."""
        self.add("text_removed", at, category, words=sorted(set(words(text))))

    def date(self, at, text):
        self.add("date_shifted", at, HIPAA, old=text)

    def uid(self, at, old, linked=True):
        """A UID that changes; `linked` where a profile cannot take the element away."""
        self.add("uid_changed", at, HIPAA, old=old)
        if linked:
            self.add("uid_consistent", at, DICOM, old=old)

    def patient(self, old):
        self.add("patid_consistent", place("PatientID"), DICOM, old=old)

    # ---- pixels -------------------------------------------------------------------------------------------------------
    def hidden(self, box, text, frame=0):
        self.add("pixels_hidden", "(7FE0,0010)", HIPAA, box=box, frame=frame, words=sorted(set(words(text))))

    def pixels(self, digest, box=None):
        """The pixel data, or the part of them in the box [x0, y0, x1, y1] where no text is."""
        self.add("pixels_retained", "(7FE0,0010)", PRACTICE, digest=digest, **({"box": box} if box else {}))
