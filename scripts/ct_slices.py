"""CT slices of 512 KiB, made as they are sent: one study per association, every identity invented."""
import os
import struct
import threading

from dimse import EXPLICIT_LITTLE, Association

CT = "1.2.840.10008.5.1.4.1.1.2"
PIXELS = 512 * 1024


def slice_of(series, number):
    """A CT slice, Explicit VR Little Endian, and its UID."""
    def text(group, element, vr, value):
        data = value.encode()
        data += (b"\0" if vr == "UI" else b" ") * (len(data) % 2)
        return struct.pack("<HH2sH", group, element, vr.encode(), len(data)) + data

    instance = f"2.25.9{series}{number:06}"
    short = lambda element, value: struct.pack("<HH2sHH", 0x28, element, b"US", 2, value)
    head = b"".join([
        text(8, 0x16, "UI", CT), text(8, 0x18, "UI", instance), text(8, 0x20, "DA", "20250611"), text(8, 0x60, "CS", "CT"),
        text(0x10, 0x10, "PN", "COLD^START"), text(0x10, 0x20, "LO", f"COLD-{series}"), text(0x20, 0x0D, "UI", f"2.25.7{series}"),
        text(0x20, 0x0E, "UI", f"2.25.8{series}"), text(0x20, 0x13, "IS", str(number)), short(2, 1), text(0x28, 4, "CS", "MONOCHROME2"),
        short(0x10, 512), short(0x11, 512), short(0x100, 16), short(0x101, 12), short(0x102, 11), short(0x103, 0),
    ])
    return instance, head + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, PIXELS)


def push(port, batch, count, associations):
    """Sends `count` slices; each must be answered with success."""
    pixels, refused = os.urandom(PIXELS), []

    def one(lane):
        association = Association(port, "P1", "BENCH", [(CT, EXPLICIT_LITTLE)])
        for number in range(lane, count, associations):
            instance, head = slice_of(100 + batch * 10 + lane, number)
            if association.store(1, CT, instance, [head + pixels]):
                refused.append(instance)

    lanes = [threading.Thread(target=one, args=(lane,)) for lane in range(associations)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    if refused:
        raise SystemExit(f"{len(refused)} slices were refused")
