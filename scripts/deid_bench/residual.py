"""Residual search: values of a source file that its de-identified form must not hold, wherever they may stand in its bytes.

  residual.py FILE...      searches each file for its own values: all have to be found

Terms: values of the rows of Table E.1-1 whose action removes or replaces them (rows that an option keeps are left out), words of names of
four letters and more, UIDs but those of the standard, dates. Texts under four characters and numbers under six digits say nothing.
"""
import csv
import re
import struct
import sys
import zlib
from pathlib import Path

import pydicom
from pydicom.charset import python_encoding
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from ours import OPTIONS, ROOT

TABLE = ROOT / "crates/deidentification/data/table_e1_1.csv"
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "shift_jis", "iso2022_jp_2", "euc_kr", "gb18030", "iso8859_5", "iso8859_7")
TEXT = {"AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"}
# A shorter term may stand in the bulk of pixel data by chance.
CHANCE = 8


def removed_tags(options):
    """Tags of the table whose values go when these options are on; None stands for the private elements. Of what is cleaned, dates go as
    they were; text may keep its harmless words, which is the answer key's question (midi_score.py)."""
    columns = [OPTIONS[option][1] for option in options]
    tags = set()
    with open(TABLE, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            chosen = {row[column] for column in columns if row.get(column)}
            if "K" in chosen or ("C" in chosen and row["vr"] not in ("DA", "DT")):
                continue
            tag = re.fullmatch(r"\(([0-9A-F]{4}),([0-9A-F]{4})\)", row["tag"])
            tags.add(int(tag[1] + tag[2], 16) if tag else None if "odd" in row["tag"] else 0)
    return tags


def elements(data_set, path=""):
    """(path, element) at every depth; what pydicom cannot read is passed over."""
    for tag in sorted(data_set.keys()):
        try:
            element = data_set[tag]
        except Exception:
            continue
        here = f"{path}({tag.group:04X},{tag.element:04X})"
        yield here, element
        if element.VR == "SQ":
            for item in element.value or []:
                yield from elements(item, here)


def words(element):
    """Terms of one element."""
    values = element.value if element.VM > 1 else [element.value]
    for value in values:
        text = str(value).strip(" \0") if value is not None and not isinstance(value, bytes) else ""
        if element.VR == "PN":
            yield from (word for word in re.split(r"[\^= ,.;]+", text) if len(word) >= 4 or (len(word) >= 2 and not word.isascii()))
        elif element.VR == "UI":
            if len(text) >= 8 and not text.startswith("1.2.840.10008."):
                yield text
        elif element.VR in ("DA", "DT"):
            if re.match(r"(1[89]|20)\d{6}", text):
                yield text[:8]
        elif element.VR in TEXT and len(text) >= 4 and not re.fullmatch(r"[\d.]{,5}", text):
            yield text


def terms(path, tags):
    """{term: element it comes from} of a source file."""
    found = {}
    for where, element in elements(pydicom.dcmread(path, force=True)):
        tag = None if element.tag.is_private else int(element.tag)
        if (tag in tags or element.VR == "PN") and element.VR != "SQ" and element.tag.group != 2:
            try:
                for word in words(element):
                    found.setdefault(word, where)
            except Exception:  # a value that pydicom cannot decode
                continue
    return found


def content(path):
    """(all bytes, inflated ones too; the same without the bulk of pixel data; whether big endian)."""
    whole = path.read_bytes()
    data_set = pydicom.dcmread(path, force=True)
    syntax = data_set.file_meta.get("TransferSyntaxUID")
    if syntax == DeflatedExplicitVRLittleEndian:
        group = struct.unpack_from("<I", whole, 140)[0]
        whole += zlib.decompressobj(-zlib.MAX_WBITS).decompress(whole[144 + group:])
    bulk = data_set.get_item("PixelData") if "PixelData" in data_set else None
    native = bytes(bulk.value) if bulk is not None and bulk.value else b"\0no pixel data\0"
    return whole, whole.replace(native, b""), syntax == ExplicitVRBigEndian


def forms(term, character_sets):
    """(bytes that the term may be, whether in any case). Escape sequences stand around the bytes of ISO 2022, not in them."""
    if term.isascii():
        yield from ((term.lower().encode(encoding), True) for encoding in ("ascii", "utf-16-le", "utf-16-be"))
        return
    for encoding in {*ENCODINGS, *character_sets}:
        for spelled in {term, term.lower(), term.upper()}:
            try:
                yield re.sub(rb"\x1b[$(),-]*[@-Z]", b"", spelled.encode(encoding)), False
            except (UnicodeEncodeError, LookupError):
                continue


def character_sets_of(path):
    named = pydicom.dcmread(path, force=True, specific_tags=["SpecificCharacterSet"]).get("SpecificCharacterSet") or []
    return {python_encoding.get(name, "latin-1") for name in ([named] if isinstance(named, str) else named)}


def stands_alone(form, data, big_endian):
    """Whether the bytes are there and not a part of a longer word or number. Beside a value may stand a letter's byte that is none: before it
    the low byte of a length (big endian), behind it that of the next tag (little endian)."""
    word = rb"0-9a-z." if re.fullmatch(rb"[\d.]+", form) else rb"0-9a-z"
    before, after = rb"(?<![" + word + rb"])", rb"(?![" + word + rb"](?!\0))"
    if big_endian:
        before = rb"(?:" + before + rb"|(?<=\0[" + word + rb"]))"
    return form in data and re.search(before + re.escape(form) + after, data) is not None


def left(source, output, tags):
    """[(term, where it came from, where it is now)]"""
    wanted = terms(source, tags)
    if not wanted:
        return []
    whole, without_bulk, big_endian = content(output)
    any_case = {data: data.lower() for data in (whole, without_bulk)}
    sets = character_sets_of(source)

    def there(form, ignore_case):
        data = whole if len(form) >= CHANCE else without_bulk
        return stands_alone(form, any_case[data], big_endian) if ignore_case else form in data

    return [(term, origin, place(output, term)) for term, origin in wanted.items() if any(there(*form) for form in forms(term, sets))]


def place(output, term):
    """The element of the output that holds the term, for the reader of the report."""
    for where, element in elements(pydicom.dcmread(output, force=True)):
        if element.VR != "SQ" and re.search(rf"(?<![0-9a-z]){re.escape(term)}(?![0-9a-z])", str(element.value), re.IGNORECASE):
            return where
    return "bytes"


def main():
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    tags, searched, missed = removed_tags(()), 0, []
    for path in map(Path, sys.argv[1:]):
        wanted, found = terms(path, tags), {term for term, _, _ in left(path, path, tags)}
        searched += len(wanted)
        missed += [f"{path.name}: {term!r} of {where} is not found" for term, where in wanted.items() if term not in found]
    print("\n".join([*missed, f"{searched} terms, {len(missed)} not found"]))
    return 1 if missed or not searched else 0


if __name__ == "__main__":
    sys.exit(main())
