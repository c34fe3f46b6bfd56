"""Bar B-9: an object of almost 4 GiB, and a larger encapsulated one, through the whole line within the memory of any other.

Neither side ever holds more of the pixel data than a block: what is sent is made as it goes, and what arrives is compared with it block by
block. The header that arrives must carry none of the identity that was sent.
"""
import itertools
import struct
import threading
import time
from pathlib import Path

from dimse import EXPLICIT_LITTLE, Acceptor, Association

MULTI_FRAME_GRAYSCALE_BYTE_SC = "1.2.840.10008.5.1.4.1.1.7.2"
ULTRASOUND_MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.3.1"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
BLOCK = 1 << 20
# the longest value of even length that four bytes can tell (PS3.5 §7.1.1; 0xFFFFFFFF means undefined)
LONGEST = 2**32 - 2
PIXEL_DATA = b"\xe0\x7f\x10\x00OB\0\0"
HEADER_LIMIT = 64 * 1024
# invented; each must be gone in what arrives
IDENTITY = {
    "patient_name": "MILLGATE^VERENA", "patient_id": "HOSP-77412", "birth_date": "19610917", "accession": "AC-550183",
    "physician": "THORNBURY^ALF", "study": "2.25.771234501", "series": "2.25.771234502", "instance": "2.25.771234503", "date": "20240229",
}


def blocks(length, values=256):
    """Bytes below `values`, of no pattern that repeats within a fragment; the same at each call."""
    # a cycle that no power of two divides, so that a block at a wrong place shows
    cycle = bytes((7 * index + index // 251) % values for index in range(BLOCK + 3))
    at, doubled = 0, cycle * 2
    while length:
        block = doubled[at:at + min(BLOCK, length)]
        yield block
        length, at = length - len(block), (at + len(block)) % len(cycle)


def native():
    """Pixel data of 2**32 - 2 bytes: 464,773 frames of 9,241 pixels, and the byte that makes the length even."""
    return itertools.chain([PIXEL_DATA + struct.pack("<I", LONGEST)], blocks(LONGEST))


def encapsulated(fragments=72, length=64 << 20):
    """Fragments of undefined length in all, more than four bytes could tell (PS3.5 §A.4), each a frame: one scan of coded data, without FFH."""
    start, end = b"\xff\xd8\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00", b"\xff\xd9"
    yield PIXEL_DATA + b"\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\0\0\0\0"
    for _ in range(fragments):
        yield b"\xfe\xff\x00\xe0" + struct.pack("<I", length) + start
        yield from blocks(length - len(start) - len(end), 255)
        yield end
    yield b"\xfe\xff\xdd\xe0\0\0\0\0"


def header(sop_class, rows, columns, frames):
    """Elements before the pixel data, Explicit VR Little Endian."""
    def text(group, element, vr, value):
        data = value.encode()
        data += (b"\0" if vr == "UI" else b" ") * (len(data) % 2)
        return struct.pack("<HH2sH", group, element, vr.encode(), len(data)) + data

    def short(element, value):
        return struct.pack("<HH2sHH", 0x0028, element, b"US", 2, value)

    who = IDENTITY
    return b"".join([
        text(8, 0x05, "CS", "ISO_IR 100"), text(8, 0x08, "CS", "ORIGINAL\\PRIMARY"), text(8, 0x16, "UI", sop_class),
        text(8, 0x18, "UI", who["instance"] + sop_class[-1]), text(8, 0x20, "DA", who["date"]), text(8, 0x30, "TM", "101500"),
        text(8, 0x50, "SH", who["accession"]), text(8, 0x60, "CS", "OT"), text(8, 0x90, "PN", who["physician"]),
        text(0x10, 0x10, "PN", who["patient_name"]), text(0x10, 0x20, "LO", who["patient_id"]),
        text(0x10, 0x30, "DA", who["birth_date"]), text(0x10, 0x40, "CS", "F"),
        text(0x20, 0x0D, "UI", who["study"] + sop_class[-1]), text(0x20, 0x0E, "UI", who["series"] + sop_class[-1]),
        text(0x20, 0x10, "SH", "1"), text(0x20, 0x11, "IS", "1"), text(0x20, 0x13, "IS", "1"),
        short(0x02, 1), text(0x28, 0x04, "CS", "MONOCHROME2"), text(0x28, 0x08, "IS", str(frames)), short(0x10, rows),
        short(0x11, columns), short(0x100, 8), short(0x101, 8), short(0x102, 7), short(0x103, 0),
    ])


# name: (SOP class, transfer syntax, header, pixel data element)
OBJECTS = {
    "native": (MULTI_FRAME_GRAYSCALE_BYTE_SC, EXPLICIT_LITTLE, header(MULTI_FRAME_GRAYSCALE_BYTE_SC, 1, 9241, 464773), native),
    "encapsulated": (ULTRASOUND_MULTI_FRAME, JPEG_BASELINE, header(ULTRASOUND_MULTI_FRAME, 4096, 4096, 72), encapsulated),
}


class Judge:
    """Compares one data set that arrives in fragments with what has to arrive."""

    def __init__(self, expected):
        self.expected, self.head, self.bytes = expected, b"", 0
        self.block, self.at, self.in_pixels = b"", 0, False
        self.fault, self.first, self.last = None, None, None
        self.done = threading.Event()

    def take(self, fragment, is_last):
        self.first = self.first or time.monotonic()
        self.bytes += len(fragment)
        data = bytes(fragment)
        if not self.in_pixels:
            self.head += data
            start = self.head.find(PIXEL_DATA)
            if start < 0 and len(self.head) > HEADER_LIMIT:
                self.fault = self.fault or "no pixel data"
            if start >= 0:
                self.in_pixels, data, self.head = True, self.head[start:], self.head[:start]
            else:
                data = b""
        self._compare(data)
        if is_last:
            self.last = time.monotonic()
            self._end()
        return 0

    def _compare(self, data):
        at = 0
        while at < len(data) and not self.fault:
            if self.at == len(self.block):
                self.block, self.at = next(self.expected, b""), 0
            length = min(len(data) - at, len(self.block) - self.at)
            if not length:
                self.fault = "more pixel data than were sent"
            elif not data.startswith(self.block[self.at:self.at + length], at):
                self.fault = f"other pixel data near byte {self.bytes}"
            at, self.at = at + length, self.at + length

    def _end(self):
        if not self.fault and (self.at < len(self.block) or next(self.expected, None) is not None):
            self.fault = "less pixel data than were sent"
        leaks = [name for name, value in IDENTITY.items() if value.encode() in self.head]
        self.fault = self.fault or (f"identity in the header: {', '.join(leaks)}" if leaks else None)
        self.done.set()


class Stages(threading.Thread):
    """When the object appears in Z3, unfinished and finished."""

    def __init__(self, objects):
        super().__init__(daemon=True)
        self.objects, self.began, self.named, self.ended = objects, None, None, threading.Event()
        self.before = set(objects.rglob("*.blob"))

    def run(self):
        unfinished = self.objects / "unfinished"
        while not self.named and not self.ended.wait(0.01):
            if not self.began and any(unfinished.glob("*")):
                self.began = time.monotonic()
            if self.began and set(self.objects.rglob("*.blob")) - self.before:
                self.named = time.monotonic()


def through_the_line(name, port, acceptor_of, data, patience=900):
    """Sends one object and waits for it at the partner; its length and the seconds of each stage."""
    sop_class, syntax, head, pixels = OBJECTS[name]
    judge, stages = Judge(pixels()), Stages(Path(data) / "objects")
    acceptor_of.sink = judge.take
    association = Association(port, "P1", "BENCH", [(sop_class, syntax)], timeout=patience)
    stages.start()
    start = time.monotonic()
    status = association.store(1, sop_class, IDENTITY["instance"] + sop_class[-1], itertools.chain([head], pixels()))
    received = time.monotonic()
    association.release()
    if status:
        raise SystemExit(f"the {name} object was refused with status {status:#06x}")
    if not judge.done.wait(patience):
        raise SystemExit(f"the {name} object did not reach the partner within {patience} s")
    stages.ended.set()
    if judge.fault:
        raise SystemExit(f"the {name} object at the partner: {judge.fault}")
    # what is over before it is looked for took no time that can be told
    named = min(stages.named or judge.first, judge.first)
    return {"bytes": judge.bytes, "seconds": {
        "receive": received - start, "wait": stages.began - received, "de-identify": named - stages.began,
        "post-check": judge.first - named, "export": judge.last - judge.first, "end to end": judge.last - start,
    }}


def partner():
    """A partner for objects that are judged one after another."""
    return Acceptor(lambda *_: 0xA700)
