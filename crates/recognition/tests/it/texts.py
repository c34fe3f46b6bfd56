"""Images with burned-in text, and where it is; images without. All names are invented.

For each image a line `name|width|height|boxes`, boxes as `left,top,right,bottom` of the drawn pixels separated by `;`, then the pixels.
Usage: texts.py FOLDER_OF_PYDICOM_FILES
"""
import sys
import warnings

import numpy as np
import pydicom
from PIL import Image, ImageDraw, ImageFont
from pydicom.pixels import apply_color_lut

warnings.simplefilter("ignore")
GLYPHS = {
    "A": "01110 10001 10001 11111 10001 10001 10001", "D": "11110 10001 10001 10001 10001 10001 11110",
    "E": "11111 10000 10000 11110 10000 10000 11111", "J": "00111 00010 00010 00010 00010 10010 01100",
    "M": "10001 11011 10101 10101 10001 10001 10001", "N": "10001 11001 10101 10011 10001 10001 10001",
    "O": "01110 10001 10001 10001 10001 10001 01110", "R": "11110 10001 10001 11110 10100 10010 10001",
    "0": "01110 10001 10011 10101 11001 10001 01110", "1": "00100 01100 00100 00100 00100 00100 01110", "3": "11111 00010 00100 00010 00001 10001 01110",
    "7": "11111 00001 00010 00100 01000 01000 01000", "8": "01110 10001 10001 01110 10001 10001 01110",
    "-": "00000 00000 00000 11111 00000 00000 00000", " ": "00000 00000 00000 00000 00000 00000 00000",
}
LINES = [(10, 8, "DUPONT Jean 12/03/1961"), (430, 8, "CHU de Lyon"), (10, 440, "ID: 4821377"), (250, 220, "Left Kidney")]


def blocky(plane, x, y, text, value, scale):
    for number, char in enumerate(text):
        glyph = np.array([[bit == "1" for bit in row] for row in GLYPHS[char].split()])
        glyph = np.kron(glyph, np.ones((scale, scale), bool))
        region = plane[y:y + glyph.shape[0], x + 6 * scale * number:][:, :glyph.shape[1]]
        region[glyph[:, :region.shape[1]]] = value


def body(rows, cols, low, high, seed=1):
    """Ellipses and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:complex(0, rows), -1:1:complex(0, cols)]
    out = np.where((x / 0.8) ** 2 + (y / 0.6) ** 2 < 1, low + (high - low) // 2, low)
    for centre in (-0.4, 0.4):
        out[((x - centre) / 0.26) ** 2 + (y / 0.4) ** 2 < 1] = low + (high - low) // 8
    out[(x / 0.1) ** 2 + ((y - 0.4) / 0.1) ** 2 < 1] = high * 9 // 10
    return np.clip(out + rng.integers(-12, 13, out.shape), 0, 255).astype(np.uint8)


def boxes(before, after):
    """Boxes of what was drawn: rows that follow each other, parted where 40 columns are empty."""
    changed = np.abs(after.astype(int) - before) > 60
    found, rows = [], np.flatnonzero(changed.any(1))
    for part in np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1):
        band = changed[part[0]:part[-1] + 1]
        cols = np.flatnonzero(band.any(0))
        for across in np.split(cols, np.flatnonzero(np.diff(cols) > 40) + 1):
            found.append((across[0], part[0], across[-1], part[-1]))
    return found


def put(name, image, found=()):
    line = "%s|%d|%d|%s\n" % (name, image.shape[1], image.shape[0], ";".join(",".join(map(str, box)) for box in found))
    sys.stdout.buffer.write(line.encode() + np.ascontiguousarray(image).tobytes())


def burned(name, before, draw):
    after = before.copy()
    drawn = draw(after)
    after = after if drawn is None else drawn
    put("text " + name, after, boxes(before, after))


def font_drawer(size, value):
    def draw(plane):
        image = Image.fromarray(plane)
        for x, y, text in LINES:
            ImageDraw.Draw(image).text((x, y), text, fill=value, font=ImageFont.load_default(size))
        return np.array(image)
    return draw


def with_text():
    flat = np.full((256, 256), 40, np.uint8)
    burned("blocky 1", flat, lambda plane: blocky(plane, 8, 8, "DOE JANE MRN 1871-03-03", 255, 1))
    band = body(480, 640, 0, 200)
    band[:40] = 0
    burned("blocky 2 over a band", band, lambda plane: blocky(plane, 8, 6, "DOE JANE MRN 1387", 255, 2))
    small = body(240, 320, 0, 200)
    burned("blocky 1 over anatomy", small, lambda plane: blocky(plane, 8, 6, "DOE JANE MRN 1387", 255, 1))
    large = body(2048, 2048, 0, 240)
    burned("blocky 6 on a radiograph", large, lambda plane: blocky(plane, 20, 20, "MRN 1387183", 255, 6))
    for size in (12, 16, 24):
        burned("font %d over anatomy" % size, body(480, 640, 0, 200), font_drawer(size, 255))
        burned("font %d black on white" % size, np.full((480, 640), 255, np.uint8), font_drawer(size, 0))
        burned("font %d grey on black" % size, np.zeros((480, 640), np.uint8), font_drawer(size, 180))


def without_text(folder):
    for seed in range(3):
        put("clean phantom %d" % seed, body(480, 640, 0, 200, seed))
    names = ["693_J2KI", "CT_small", "J2K_pixelrep_mismatch", "JPEG2000", "MR_small", "image_dfl", "liver_1frame", "SC_rgb_rle", "SC_rgb_jpeg"]
    for name in names:
        array = pydicom.dcmread("%s/test_files/%s.dcm" % (folder, name)).pixel_array.astype(float)
        array = array @ [0.299, 0.587, 0.114] if array.ndim == 3 else array
        array = (array - array.min()) * 255 / max(1, array.max() - array.min())
        put("clean " + name, array.astype(np.uint8))


def ultrasound(folder):
    ds = pydicom.dcmread(folder + "/test_files/examples_palette.dcm")
    put("ultrasound with many texts", (apply_color_lut(ds.pixel_array, ds) >> 8).mean(-1).astype(np.uint8))


with_text()
without_text(sys.argv[1])
ultrasound(sys.argv[1])
