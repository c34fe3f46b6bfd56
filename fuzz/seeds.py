#!/usr/bin/env python3
"""Writes the seeds of the targets that stand on whole data sets: `python3 fuzz/seeds.py`. The layout of the inputs is that of `src/`."""

import pathlib
import struct

HERE = pathlib.Path(__file__).parent
CRATES = HERE.parent / "crates"
SEEDS = HERE / "seeds"
EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG = 1, 0, 2
RAW, MASK, TRIAL, SHORT_VALUES = 1, 2, 4, 8
LONG = {"OB", "OW", "SQ", "UN", "UT", "UC", "UR"}
JPEG = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000fffe000b6120636f6d6d656e74ffdb004300" + "01" * 64 +
    "ffc0000b080008000801011100ffc40014000100000000000000000000000000000000ffc40014100100000000000000000000000000000000"
    "ffda0008010100003f003fffd9")


def element(tag, vr, value):
    value = value if isinstance(value, bytes) else value.encode()
    value += b"\0" * (len(value) % 2)
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    return head + (struct.pack("<HI", 0, len(value)) if vr in LONG else struct.pack("<H", len(value))) + value


def sequence(tag, *items):
    body = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in items)
    return element(tag, "SQ", body)


def fragments(*values):
    body = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(value)) + value for value in values)
    return bytes.fromhex("e07f1000") + b"OB\0\0\xff\xff\xff\xff" + body + bytes.fromhex("feffdde000000000")


def image(rows, columns, bits):
    short = lambda tag, value: element(tag, "US", struct.pack("<H", value))
    return (short(0x00280002, 1) + element(0x00280004, "CS", "MONOCHROME2 ") + short(0x00280010, rows) + short(0x00280011, columns)
            + short(0x00280100, bits) + short(0x00280101, bits) + short(0x00280102, bits - 1) + short(0x00280103, 0))


def data_set(path):
    """The data set of a file of Explicit VR Little Endian."""
    data = path.read_bytes()
    length = struct.unpack("<I", data[140:144])[0]
    return data[144 + length:]


def spelled(*elements):
    """Elements for the grammar: tags spelled out, values by number or spelled out; a list makes a sequence."""
    out = b""
    for tag, value in elements:
        where = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
        if isinstance(value, list):
            out += bytes([0x50 | len(value)]) + where + b"".join(spelled(*item) + b"\x80" for item in value)
        elif isinstance(value, int):
            out += b"\x10" + where + bytes([value])
        else:
            out += b"\x18" + where + bytes([len(value)]) + value.encode()
    return out


def deidentifier():
    """Name, then transfer syntax, SOP class, options, flags, rest."""
    ct = image(8, 8, 16)
    code = [(0x00080100, "121008"), (0x00080102, 20), (0x00080104, "Subject Name")]
    content = [(0x0040A040, 17), (0x0040A043, [code]), (0x0040A123, 1)]
    text = [(0x0040A040, "TEXT"), (0x0040A043, [[(0x00080100, "121106"), (0x00080102, 20)]]), (0x0040A160, 3)]
    report = spelled((0x0040A040, "CONTAINER"), (0x0040A043, [code]), (0x0040A504, [[(0x00080105, 20)]]), (0x0040A730, [content, text]))
    yield "native", EXPLICIT_LITTLE, 0, 0x000, RAW, ct + element(0x7FE00010, "OW", bytes(128))
    yield "masked", EXPLICIT_LITTLE, 3, 0x001, RAW | MASK, ct + element(0x7FE00010, "OW", bytes(128))
    yield "jpeg", 6, 4, 0x001, RAW | MASK | TRIAL, image(8, 8, 8) + fragments(b"", JPEG)
    yield "nested", EXPLICIT_LITTLE, 5, 0x008, RAW, sequence(0x0040A730, element(0x0040A123, "PN", "Quizzlewick^O"), b"")
    yield "unknown", EXPLICIT_LITTLE, 0, 0x000, RAW, element(0x00081140, "UN", sequence(0x00081140, element(0x00081155, "UI", "1.2.3"))[12:])
    yield "icc", EXPLICIT_LITTLE, 2, 0x010, RAW | SHORT_VALUES, element(0x00282000, "OB", bytes(36) + b"acsp" + bytes(92))
    for options in (0x000, 0x00C, 0x010, 0x020, 0x040, 0x080, 0x100, 0x200, 0x400, 0x800, 0xFFF & ~0x020):
        yield f"report_{options:03x}", options % 3, 5, options, TRIAL, report
        plain = spelled(
            (0x00080005, 23), (0x00080020, 9), (0x0008002A, 10), (0x00081030, 3), (0x00080080, 4), (0x00090010, 22), (0x00101000, 6),
            (0x00101010, 12), (0x00120063, 27), (0x00181020, 4), (0x00190010, 22), (0x00191018, "5.0"), (0x00400275, [[(0x00400007, 3)]]),
            (0x00081140, [[(0x00081150, 15), (0x00081155, 13)]]), (0x00209165, 9), (0x00380500, 27), (0x60003000, 27), (0x60004000, 3))
        yield f"plain_{options:03x}", options % 3, options % 12, options, options & SHORT_VALUES, plain


def reconciler():
    for path in sorted((CRATES / "reconciliation/tests/data").glob("*.dcm")):
        yield path.stem, EXPLICIT_LITTLE, 0, 0, data_set(path)
    reference = (0x00081115, [[(0x0020000E, 1), (0x00081199, [[(0x00081150, 20), (0x00081155, 3)]])]])
    tree = (0x0040A730, [[(0x0040A040, 21), (0x0040A124, 3), (0x0040A121, 9)], [(0x0040A160, 8)]])
    for flags in (1, 3, 7, 0x1B, 0x2F):
        yield f"built_{flags:02x}", flags % 3, flags, flags, spelled((0x00080005, 15), (0x00080023, 11), (0x0008103E, 8), reference, tree)
    yield "document", EXPLICIT_LITTLE, 13, 1, spelled((0x00420011, 23), (0x00420012, "text/XML"))


def codec():
    profile = bytearray(172)
    profile[0:4], profile[36:40], profile[128:132] = struct.pack(">I", 172), b"acsp", struct.pack(">I", 1)
    profile[132:144] = b"desc" + struct.pack(">II", 144, 28)
    profile[144:172] = b"desc" + bytes(4) + struct.pack(">I", 8) + b"scanner\0" + bytes(8)
    yield "icc", 0, 8, 8, 0, bytes(profile)
    yield "jpeg", 0, 8, 8, 0, JPEG
    rle = struct.pack("<16I", 1, 64, *[0] * 14) + bytes([0xC1, 5])
    yield "rle", 6, 8, 8, 0, rle
    jpeg_ls = bytes.fromhex("ffd8fff7000b08000800080101 1100ffda0008010100000000 0000000000ffd9".replace(" ", ""))
    yield "jpeg_ls", 3, 8, 8, 0, jpeg_ls
    j2k = bytes.fromhex("ff4fff51002900000000000800000008000000000000000000000008000000080000000000000000000107 0101"
                        "ff52000c00000001000104040001ff5c00044040ff6400080001 74657874ff90000a0000000000000001ff93ffd9".replace(" ", ""))
    yield "jpeg_2000", 5, 8, 8, 0, j2k


def write(target, name, data):
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


for name, syntax, sop_class, options, flags, rest in deidentifier():
    for target in ("deidentify", "verify", "partner_view"):
        write(target, name, struct.pack("<BBHB", syntax, sop_class, options, flags) + rest)
for name, syntax, sop_class, flags, rest in reconciler():
    write("reconcile", name, bytes([syntax, sop_class, flags]) + rest)
for name, compression, rows, columns, form, rest in codec():
    write("pixel_codec", name, bytes([compression, rows, columns, form]) + rest)
for path in sorted((CRATES / "deidentification/data/profiles").glob("*.toml")):
    write("profile", path.stem, path.read_bytes())
RULES = """name = "r"
version = "1"
edition = "2026d"
options = ["retain_safe_private", "clean_descriptors", "clean_pixel_data", "retain_longitudinal_modified_dates"]
pool_ages_over_89 = true
private_sop_classes = ["1.2.3"]
words = ["thin"]
documents = "dummy"
private_elements = [{ creator = "ACME 1", group = "0019", elements = { "10" = "DS" } }]
trusted_equipment = [{ manufacturer = "ACME" }]

[pixels]
text = "identity"
found = "hold"
inspect_all = true
frames = 3

[[pixels.masks]]
modalities = ["US"]
rows = 480
rectangles = [[0, 0, 640, 40]]
polygons = [[[0, 0], [10, 0], [10, 10]]]

[[rules]]
attributes = ["(0018,10xx)", "ProtocolName", "Study*", "vr:LO", "creator:ACME 1"]
value = "^AX"
modalities = ["CT"]
action = "K"

[[rules]]
attributes = ["ProtocolName"]
action = { regex = { find = "([0-9]+) mm", with = "$1mm" } }

[[rules]]
attributes = ["DeviceSerialNumber"]
action = { hash = 8 }
reason = "for the physicists"

[[rules]]
attributes = ["BodyPartExamined"]
action = { map = { CHEST = "THORAX" } }

[[rules]]
attributes = ["SeriesDescription"]
action = { truncate = 12 }

[[rules]]
attributes = ["StudyDate", "vr:DA"]
action = "shift"

[[rules]]
attributes = ["StationName"]
action = { replace = "CT 1" }

[[rules]]
attributes = ["nested:RequestAttributesSequence[1]/Proto*N*", "root:(0040,xxxx)/vr:SH", "(0019,xx0C)creator:ACME 1"]
action = { hash = { digits = 8, words = true, ignore_case = true, prefix = "ANON-", scope = "study" } }

[[rules]]
attributes = ["ReceiveCoilName"]
action = { add = { value = "HEAD", vr = "SH", overwrite = true } }
"""
write("profile", "rules", RULES.encode())
