"""What a de-identifier made of the corpus: its instances, the value at a place of the key, its maps of identifiers."""
import collections
import csv
import re

import numpy as np
import pydicom

# A private element in implicit VR is bytes to who does not know it.
ENCODINGS = ("utf-8", "latin-1", "iso8859_2", "iso8859_5", "iso8859_7", "iso2022_jp_2", "euc_kr", "gb18030", "utf-16-le")
STEP = re.compile(r"\(([0-9A-F]{4}),([0-9A-F]{2,4})(?:,([^)]+))?\)(?:\[(\d+)\])?")


def read(folder):
    """{Instance Number: data set}; the corpus numbers its instances through, and no profile touches that. Else the file's name counts."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            ds = pydicom.dcmread(path, force=True)
            number = ds.get("InstanceNumber") or re.search(r"[A-Z]{2,8}(\d{4})", path.name)[1]
            found[int(number)] = ds
        except (pydicom.errors.InvalidDicomError, TypeError, ValueError, EOFError):
            continue
    return found


def element(ds, at):
    """The element at a place; None when it, or something above it, is gone."""
    for option in at.split(" | "):
        here, found = ds, None
        for group, low, creator, item in STEP.findall(option):
            try:
                tag = here.private_block(int(group, 16), creator).get_tag(int(low, 16)) if creator else int(group + low, 16)
                found = here[tag]
                here = found.value[int(item)] if item else here
            except (KeyError, IndexError, TypeError):
                found = None
                break
        if found is not None:
            return found
    return None


def text(found):
    """The value as text; of a sequence all that is in it, of bytes what they may say."""
    if found is None or found.value is None:
        return ""
    if found.VR == "SQ":
        return "\n".join(text(inner) for item in found.value for inner in item)
    value = found.value
    if isinstance(value, (bytes, bytearray)):
        return "\n".join(bytes(value).decode(encoding, "replace") for encoding in ENCODINGS)
    return "\\".join(map(str, value)) if found.VM > 1 else str(value)


def pixels(ds):
    """Decoded pixels, little endian; None when there are none or nobody can read them."""
    try:
        array = ds.pixel_array
    except Exception:
        return None
    return array.astype(array.dtype.newbyteorder("<"), copy=False) if isinstance(array, np.ndarray) else None


def map_of(path):
    with open(path, encoding="utf-8") as file:
        return {row["id_old"]: row["id_new"] for row in csv.DictReader(file)}


def derived_map(instances, outputs, kind):
    """A map of a tool that gives none: what an identifier became most often."""
    seen = collections.defaultdict(collections.Counter)
    for instance in instances:
        ds = outputs.get(instance["number"])
        for check in instance["checks"] if ds is not None else ():
            if check["kind"] == kind:
                seen[check["old"]][text(element(ds, check["at"])).strip()] += 1
    return {old: new.most_common(1)[0][0] for old, new in seen.items()}
