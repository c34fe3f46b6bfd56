"""The ten kinds of check. Each answers how much of it is right, 0 to 1, and what was found instead."""
import os
import subprocess
from io import BytesIO

import numpy as np
from PIL import Image

import midi_output
from midi_key import words
from midi_pixels import crop, digest

# Removed files: what had to go is gone, what had to stay is lost.
OF_A_MISSING_FILE = {"text_removed": 1, "date_shifted": 1, "uid_changed": 1, "pixels_hidden": 1}
ENLARGED = 3


def has(word, found, text):
    """Writing without spaces has no words to compare."""
    return word in found if word.isascii() else word in text


def tag_retained(check, ds, maps):
    return float(midi_output.element(ds, check["at"]) is not None), "gone"


def text_notnull(check, ds, maps):
    return float(midi_output.text(midi_output.element(ds, check["at"])).strip() != ""), "empty"


def text_retained(check, ds, maps):
    now = midi_output.text(midi_output.element(ds, check["at"]))
    if check["text"].casefold() in now.casefold():
        return 1.0, ""
    found = set(words(now))
    there = [word for word in check["words"] if has(word, found, now.casefold())]
    return len(there) / max(1, len(check["words"])), f"{check['text']!r} is now {now!r}"


def text_removed(check, ds, maps):
    now = midi_output.text(midi_output.element(ds, check["at"]))
    found = set(words(now))
    left = [word for word in check["words"] if has(word, found, now.casefold())]
    return float(not left), f"{left} left in {now[:200]!r}"


def old_is_gone(check, ds, maps):
    now = midi_output.text(midi_output.element(ds, check["at"]))
    return float(check["old"] not in now), f"{check['old']!r} left in {now[:200]!r}"


def same_as(which):
    def consistent(check, ds, maps):
        now = midi_output.text(midi_output.element(ds, check["at"])).strip()
        wanted = maps[which].get(check["old"])
        return float(bool(now) and now == wanted), f"{now!r}, the map says {wanted!r}"
    return consistent


def pixels_retained(check, ds, maps):
    array = midi_output.pixels(ds)
    if array is None:
        return 0.0, "no pixels"
    data = crop(array, check["box"]) if "box" in check else np.ascontiguousarray(array).tobytes()
    return float(digest(data) == check["digest"]), "pixels changed"


def recognised(part, sought):
    """Words of those sought that tesseract reads, in the picture or, when none, in its negative."""
    low, high = part.min(), part.max()
    if low == high:
        return set()
    grey = ((part - low) * (255 / (high - low))).astype(np.uint8)
    for shown in (grey, 255 - grey):
        picture, png = Image.fromarray(shown), BytesIO()
        picture.resize((picture.width * ENLARGED, picture.height * ENLARGED), Image.Resampling.LANCZOS).save(png, "PNG")
        command = ["tesseract", "stdin", "stdout", "--psm", "7", "-l", "eng"]
        read = subprocess.run(command, input=png.getvalue(), capture_output=True, timeout=60, check=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"})
        if left := sought & set(words(read.stdout.decode("utf-8", "replace"))):
            return left
    return set()


def pixels_hidden(check, ds, maps):
    array = midi_output.pixels(ds)
    if array is None:
        return float("PixelData" not in ds), "pixels cannot be read"
    colour = array.ndim >= 3 and array.shape[-1] == 3
    frames = array if array.ndim == (4 if colour else 3) else array[None]
    x0, y0, x1, y1 = check["box"]
    part = frames[check["frame"]][y0:y1, x0:x1].astype(float)
    left = recognised(part.mean(axis=-1) if colour else part, set(check["words"]))
    return float(not left), f"{sorted(left)} can be read"


RULES = {"tag_retained": tag_retained, "text_notnull": text_notnull, "text_retained": text_retained, "text_removed": text_removed,
         "date_shifted": old_is_gone, "uid_changed": old_is_gone, "pixels_hidden": pixels_hidden, "pixels_retained": pixels_retained,
         "uid_consistent": same_as("uid"), "patid_consistent": same_as("patient")}


def judge(instance, ds, maps):
    """[(check, share that is right, what is wrong)] of one instance."""
    if ds is None:
        return [(check, float(OF_A_MISSING_FILE.get(check["kind"], 0)), "the file is missing") for check in instance["checks"]]
    return [(check, *RULES[check["kind"]](check, ds, maps)) for check in instance["checks"]]
