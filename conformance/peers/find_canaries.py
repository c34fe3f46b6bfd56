"""Searches for canaries: find_canaries.py CANARIES PLACE... ; a place is a file or a folder, whose file names are searched, too.

Prints {"place": .., "found": [canaries], "bytes": searched} for each place.
"""
import json
import re
import sys
from pathlib import Path

canaries = json.loads(Path(sys.argv[1]).read_text())
# Most canaries are of three shapes, which are found in one pass each; what is left is looked for one by one.
SHAPES = [re.compile(shape) for shape in (rb"ZK[0-9A-F]{4}KZ", rb"2\.999\.8642\.[0-9]+", rb"(?<![0-9])18[0-9]{6}(?=101500|[^0-9]|$)")]
names = {name: [pattern.encode("latin-1") for pattern in patterns] for name, patterns in canaries.items() if patterns}


def search(data, found):
    for shape in SHAPES:
        seen = {match.decode() for match in shape.findall(data)}
        found.update(seen & canaries.keys())
    for name, patterns in names.items():
        if any(re.search(pattern, data) for pattern in patterns):
            found.add(name)


for place in sys.argv[2:]:
    root, found, size = Path(place), set(), 0
    files = [root] if root.is_file() else [path for path in root.rglob("*") if path.is_file()]
    for path in files:
        data = path.read_bytes()
        size += len(data)
        search(data, found)
        if root.is_dir():
            search(str(path.relative_to(root)).encode(), found)
    print(json.dumps({"place": place, "found": sorted(found), "bytes": size}))
