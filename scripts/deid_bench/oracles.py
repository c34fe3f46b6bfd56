"""What other programs say about an object before and after: dicom3tools' dciodvfy, GDCM's gdcminfo, DCMTK's dcmdump and dsrdump."""
import re
import subprocess
import tempfile
from pathlib import Path

import pydicom
from pydicom.uid import DeflatedExplicitVRLittleEndian

# pynetdicom and others install programs with the same names
PATH = {"PATH": "/usr/bin:/usr/sbin:/bin", "LC_ALL": "C"}
PATIENCE = 120


def said(*command):
    """(status, output) of a program; some of them wait for standard input."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=PATH, timeout=PATIENCE)
    return done.returncode, done.stdout.decode("latin-1")


def inflated(path, folder):
    """The file, in an uncompressed form where dciodvfy cannot read it."""
    syntax = pydicom.dcmread(path, force=True, stop_before_pixels=True).file_meta.get("TransferSyntaxUID")
    if syntax != DeflatedExplicitVRLittleEndian:
        return path
    plain = Path(folder) / "inflated.dcm"
    said("dcmconv", "+te", path, plain)
    return plain


def iod_errors(path):
    """dciodvfy's errors without values and item numbers."""
    with tempfile.TemporaryDirectory() as folder:
        _, text = said("dciodvfy", "-new", inflated(path, folder))
    lines = (line for line in text.splitlines() if line.startswith("Error"))
    return {re.sub(r"\[[0-9]+\]", "", re.sub(r" = <[^>]*>.*", "", line)) for line in lines}


def new_iod_errors(source, output):
    return sorted(iod_errors(output) - iod_errors(source))


def pixel_digest(path):
    """GDCM's digest of the decoded pixels; None where it has none."""
    _, text = said("gdcminfo", "--md5sum", path)
    found = re.search(r"md5sum: ([0-9a-f]{32})", text)
    return found and found[1]


def reads(path):
    """Names of the programs that read the file."""
    checks = {"dcmdump": ("dcmdump", "-q", "+L", path), "dsrdump": ("dsrdump", "-q", path)}
    return {name for name, command in checks.items() if said(*command)[0] == 0}
