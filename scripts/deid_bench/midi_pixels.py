"""Pictures with text burned into them, drawn with a TrueType font as devices do it, and pictures without."""
import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

# Fonts of Debian's fonts-dejavu-core; Pillow brings one of its own.
FONTS = [Path("/usr/share/fonts/truetype/dejavu") / name for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf")]
MARGIN = 6


def font(size, number):
    there = [path for path in FONTS if path.exists()]
    chosen = number % (len(there) + 1)
    return ImageFont.truetype(there[chosen], size) if chosen < len(there) else ImageFont.load_default(size)


def phantom(rows, columns, number, top, dtype):
    """A body-like picture with values from 0 to `top`."""
    rng = np.random.Generator(np.random.PCG64(number))
    y, x = np.mgrid[-1:1:complex(0, rows), -1:1:complex(0, columns)]
    out = np.where((x / 0.8) ** 2 + (y / 0.7) ** 2 < 1, top // 2, top // 40)
    out[(x - 0.3) ** 2 + y ** 2 < 0.05] = top // 5
    out[(x / 0.1) ** 2 + ((y - 0.45) / 0.1) ** 2 < 1] = top * 4 // 5
    return np.clip(out + rng.integers(-top // 50, top // 50 + 1, (rows, columns)), 0, top).astype(dtype)


def burn(plane, corner, lines, size, value, number):
    """Writes the lines into a grey picture; [(box, line)]. A box is [x0, y0, x1, y1], a little wider than the text."""
    rows, columns = plane.shape
    stencil = Image.new("L", (columns, rows), 0)
    drawing, (x, y), boxes = ImageDraw.Draw(stencil), corner, []
    face = font(size, number)
    for line in lines:
        drawing.text((x, y), line, fill=255, font=face)
        x0, y0, x1, y1 = drawing.textbbox((x, y), line, font=face)
        boxes.append(([max(0, int(x0) - MARGIN), max(0, int(y0) - MARGIN), min(columns, int(x1) + MARGIN), min(rows, int(y1) + MARGIN)], line))
        y += int(size * 1.5)
    weight = np.asarray(stencil, dtype=float) / 255
    plane[:] = (plane * (1 - weight) + value * weight).astype(plane.dtype)
    return boxes


def describe(ds, array, bits, photometric):
    """Image Pixel module, native."""
    colour = photometric != "MONOCHROME2"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = (3 if colour else 1), photometric
    planes = array.shape[:-1] if colour else array.shape
    ds.Rows, ds.Columns = planes[-2:]
    if len(planes) == 3:
        ds.NumberOfFrames = planes[0]
    if colour:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = (16, bits, bits - 1) if bits > 8 else (8, 8, 7)
    ds.PixelRepresentation = 0
    raw = array.tobytes()
    ds.PixelData = raw + b"\0" * (len(raw) % 2)
    ds["PixelData"].VR = "OW" if bits > 8 else "OB"


def compress(ds, array):
    """A grey picture of 8 bits as JPEG."""
    picture = BytesIO()
    Image.fromarray(array).save(picture, "JPEG", quality=92)
    ds.PixelData = encapsulate([picture.getvalue()])
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    ds.LossyImageCompression, ds.LossyImageCompressionMethod, ds.LossyImageCompressionRatio = "01", "ISO_10918_1", "8"
    return JPEGBaseline8Bit


def digest(data):
    return hashlib.sha256(data).hexdigest()


def crop(array, box):
    """The part of all frames that is in the box."""
    x0, y0, x1, y1 = box
    grey_frames = array.ndim == 3 and array.shape[-1] != 3
    part = array[:, y0:y1, x0:x1] if grey_frames or array.ndim == 4 else array[y0:y1, x0:x1]
    return np.ascontiguousarray(part).tobytes()
