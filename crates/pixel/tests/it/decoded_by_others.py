"""Writes encapsulated frames and what other decoders make of them: pydicom with Pillow and CharLS, GDCM, DCMTK.

For each case one line of fields separated by |, then the frame's bytes, then the expected samples (colour by pixel, RGB).
Usage: decoded_by_others.py FOLDER_OF_PYDICOM_FILES WORK_FOLDER
"""
import os
import subprocess
import sys
import warnings

import jpeg_ls
import numpy as np
import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels import get_decoder

warnings.simplefilter("ignore")
SOURCE, WORK = sys.argv[1], sys.argv[2]
OUT = sys.stdout.buffer
KEYS = ["Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "BitsAllocated", "BitsStored",
        "HighBit", "PixelRepresentation"]


def case(name, uid, ds, frame, expected):
    fields = [name, uid] + [str(ds.get(key, "")) for key in KEYS] + [str(len(frame)), str(len(expected))]
    OUT.write("|".join(fields).encode() + b"\n" + frame + expected)


def frames_of(ds):
    return list(generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames", 1) or 1)))


def by_gdcm(path):
    """The samples of a file as GDCM decodes it."""
    raw = os.path.join(WORK, "raw.dcm")
    subprocess.run(["gdcmconv", "--raw", path, raw], check=True, capture_output=True)
    ds = pydicom.dcmread(raw)
    return ds.pixel_array.tobytes()


def pydicom_files():
    for name in sorted(os.listdir(SOURCE)):
        path = os.path.join(SOURCE, name)
        try:
            ds = pydicom.dcmread(path)
            uid = ds.file_meta.TransferSyntaxUID
            frames = frames_of(ds) if uid.is_encapsulated else []
        except Exception:
            continue
        expected = []
        if frames:
            try:
                expected = [array.tobytes() for array, _ in get_decoder(uid).iter_array(ds, as_rgb=True)]
            except Exception:
                try:
                    expected = [by_gdcm(path)]
                except Exception:
                    expected = []
        for number, (frame, samples) in enumerate(zip(frames, expected)):
            if number < 2:
                case(name, uid, ds, bytes(frame), samples)
        if frames and not expected:
            case(name, uid, ds, bytes(frames[0]), b"")


def lossless_jpeg():
    """DCMTK's encoder, each predictor."""
    for name in ["CT_small.dcm", "examples_rgb_color.dcm", "MR_small.dcm", "examples_palette.dcm"]:
        for predictor in range(1, 8):
            path = os.path.join(WORK, "lossless.dcm")
            options = ["+e1"] if predictor == 1 else ["+el", "+sv", str(predictor)]
            subprocess.run(["dcmcjpeg", *options, os.path.join(SOURCE, name), path], check=False, capture_output=True)
            if not os.path.exists(path):
                raise SystemExit("dcmcjpeg did not encode " + name)
            ds, original = pydicom.dcmread(path), pydicom.dcmread(os.path.join(SOURCE, name))
            os.remove(path)
            case("dcmcjpeg %d %s" % (predictor, name), ds.file_meta.TransferSyntaxUID, ds, bytes(frames_of(ds)[0]),
                 original.pixel_array.tobytes())


def jpeg_ls_images():
    """CharLS's encoder, each interleave, lossless and near-lossless."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:61, 0:83]
    smooth = (np.hypot(x - 40, y - 30) * 3).astype(int)
    for bits in [2, 5, 8, 10, 12, 16]:
        top = (1 << bits) - 1
        noise = rng.integers(0, max(2, top // 16), smooth.shape)
        grey = np.where(x > 60, top // 2, np.clip(smooth * top // 255 + noise, 0, top)).astype(np.uint8 if bits <= 8 else np.uint16)
        for near in [0, 1, 3]:
            if near <= top // 2:
                jls_case("grey %d bits near %d" % (bits, near), grey, bits, near, 0)
    colour = np.stack([np.clip(smooth + rng.integers(0, 9, smooth.shape), 0, 255), np.where(x > 50, 9, smooth // 2),
                       np.full(smooth.shape, 77)], -1).astype(np.uint8)
    for interleave in [0, 1, 2]:
        for near in [0, 2]:
            jls_case("colour interleave %d near %d" % (interleave, near), colour, 8, near, interleave)


def jls_case(name, image, bits, near, interleave):
    order = (2, 0, 1) if interleave == 0 else (0, 1, 2)
    arranged = np.transpose(image, order) if image.ndim == 3 else image
    options = dict(interleave_mode=interleave) if image.ndim == 3 else {}
    frame = bytes(jpeg_ls.encode_buffer(np.ascontiguousarray(arranged).tobytes(), *image.shape[:2], 3 if image.ndim == 3 else 1, bits,
                                        lossy_error=near, **options))
    decoded = jpeg_ls.decode(np.frombuffer(frame, np.uint8)).reshape(image.shape)
    assert int(np.abs(decoded.astype(int) - image).max()) <= near, name
    ds = pydicom.Dataset()
    ds.Rows, ds.Columns = image.shape[:2]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = (3, "RGB") if image.ndim == 3 else (1, "MONOCHROME2")
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = image.dtype.itemsize * 8, bits, bits - 1, 0
    case("charls " + name, "1.2.840.10008.1.2.4.8" + ("1" if near else "0"), ds, frame, np.ascontiguousarray(decoded).tobytes())


pydicom_files()
lossless_jpeg()
jpeg_ls_images()
