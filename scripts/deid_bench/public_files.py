"""The public test files of `make deid-corpora`: those of pydicom, pydicom-data and deid-data, as .venv-peers has them."""
import gzip
import shutil
import subprocess
import zipfile
from pathlib import Path

from ours import ROOT

PYTHON = ROOT / ".venv-peers/bin/python"
# Package of PyPI → (module, folder in it)
PACKAGES = {"pydicom": ("pydicom", "data"), "pydicom-data": ("data_store", "data"), "deid-data": ("deid_data", "data")}
# Documentation, code, tables and listings of the packages themselves.
NOT_DATA = {".py", ".pyc", ".md", ".json", ".txt", ".csv", ".npy", ".icc", ".dump"}


def folder_of(module, below):
    code = f"import importlib.util; print(importlib.util.find_spec({module!r}).submodule_search_locations[0])"
    return Path(subprocess.run([PYTHON, "-c", code], check=True, capture_output=True, text=True).stdout.strip()) / below


def collect(into):
    """Copies every file of the packages into the folder, members of archives too: [(name, path)] with names as package/path."""
    found = []
    for package, (module, below) in PACKAGES.items():
        base = folder_of(module, below)
        for path in sorted(base.rglob("*")):
            if not path.is_file() or path.suffix in NOT_DATA:
                continue
            name = f"{package}/{path.relative_to(base)}"
            copy = into / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".zip":
                found += members(path, name, copy)
            elif path.suffix == ".gz":
                copy.write_bytes(gzip.decompress(path.read_bytes()))
                found.append((name, copy))
            else:
                shutil.copyfile(path, copy)
                found.append((name, copy))
    return found


def members(archive, name, copy):
    copy.mkdir()
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(copy)
    return [(f"{name}/{path.relative_to(copy)}", path) for path in sorted(copy.rglob("*"))
            if path.is_file() and "__MACOSX" not in path.parts and not path.name.startswith(".")]
