#!/usr/bin/env python3
"""Write src/iod_types.rs: Types of attributes, for compound actions and the report of damage (PS3.15 E.3, PS3.3).

  pip install highdicom==0.28.2 pydicom==3.0.2
  python3 data/iod_types.py > src/iod_types.rs

Source: the JSON tables of PyPI highdicom 0.28.2 (MIT), made from PS3.3 of about 2024. Facts only: SOP class, IOD,
path, Type. Later attributes are missing and count as Type 3 (they then are removed, the safe side).

In the main data set every attribute of Type 1 and 2 is listed: a rule of a project may take any of them away, and the
report has to say so. In items, where the table would be 20 times as long, an attribute is listed when its action depends on
its Type: every row of Table E.1-1 but U, D and K, and what the defaults beyond the table remove or empty (PN, DA, DT, TM,
ST, LT, UC, UR, UT). Type 3 is not listed. Nothing is listed below a sequence that the plain profile removes, empties or
replaces. 1C counts as 1 and 2C as 2: when the source holds the attribute, its condition is met. Of several modules the
strictest Type holds.
"""
import collections
import csv
import json
import os

import highdicom
from pydicom.datadict import dictionary_VR, tag_for_keyword

HERE = os.path.dirname(os.path.abspath(__file__))
STANDARD = os.path.join(os.path.dirname(highdicom.__file__), "_standard")
BEYOND = {"PN", "DA", "DT", "TM", "ST", "LT", "UC", "UR", "UT"}
VOCABULARY = {"LongCodeValue", "URNCodeValue", "CodingSchemeURL"}  # kept, see src/vr_default.rs
COMPOSITE = ("patient", "general-study", "general-series", "general-equipment", "frame-of-reference", "sop-common")
WORDS = 3


def load(name):
    with open(os.path.join(STANDARD, name), encoding="utf-8") as file:
        return json.load(file)


def actions():
    with open(os.path.join(HERE, "table_e1_1.csv"), encoding="utf-8") as file:
        return {row["keyword"]: row for row in csv.DictReader(file)}


def wanted(keyword, tag, path, table):
    if not path:
        return True
    if keyword in table:
        return table[keyword]["basic_profile"] not in ("U", "D")
    return dictionary_VR(tag) in BEYOND and keyword not in VOCABULARY


def stops(keyword, table):
    """Whether the plain profile does not walk into this sequence."""
    return keyword in table and table[keyword]["basic_profile"] != "X/Z/U*"


def main():
    table, modules, attributes = actions(), load("iod_module_map.json"), load("module_attribute_map.json")
    sop_classes = load("sop_class_iod_map.json")
    iods = sorted(set(sop_classes.values()))
    uses = {iod: [module["key"] for module in modules[iod]] for iod in iods}
    uses["(composite)"] = list(COMPOSITE)  # for SOP classes that are not listed
    iods.append("(composite)")
    assert len(iods) <= 64 * WORDS
    required = collections.defaultdict(lambda: (set(), set()))
    for index, iod in enumerate(iods):
        for module in uses[iod]:
            for attribute in attributes.get(module, ()):
                keyword, path, kind = attribute["keyword"], attribute["path"], attribute["type"]
                tag = tag_for_keyword(keyword)
                if tag is None or kind not in ("1", "1C", "2", "2C") or not wanted(keyword, tag, path, table):
                    continue
                if any(stops(step, table) or tag_for_keyword(step) is None for step in path):
                    continue
                steps = tuple(tag_for_keyword(step) for step in path)
                required[steps, tag][0 if kind[0] == "1" else 1].add(index)
    paths = {()} | {steps[:n] for steps, _ in required for n in range(1, len(steps) + 1)}
    ids, level = {(): 0}, [()]
    nodes = []
    while level:  # breadth first, so that the rows are sorted by (parent, tag)
        following = []
        for parent in level:
            for path in sorted(p for p in paths if len(p) == len(parent) + 1 and p[:-1] == parent):
                nodes.append((ids[parent], path[-1]))
                ids[path] = len(nodes)
                following.append(path)
        level = following
    sets, rows = {}, []
    for (steps, tag), (one, two) in required.items():
        key = (frozenset(one), frozenset(two - one))
        rows.append((ids[steps], tag, sets.setdefault(key, len(sets))))
    rows.sort()
    show(sop_classes, iods, nodes, rows, list(sets))


def words(members):
    bits = sum(1 << member for member in members)
    return "[" + ", ".join(hex(bits >> 64 * n & 0xFFFF_FFFF_FFFF_FFFF) for n in range(WORDS)) + "]"


def table(name, doc, kind, cells, per_line):
    print(f"\n/// {doc}\n#[rustfmt::skip]\npub(crate) static {name}: [{kind}; {len(cells)}] = [")
    for start in range(0, len(cells), per_line):
        print("    " + " ".join(cell + "," for cell in cells[start:start + per_line]))
    print("];")


def show(sop_classes, iods, nodes, rows, sets):
    print("//! Attribute Types by SOP class and path. Written by `data/iod_types.py` from highdicom 0.28.2; do not edit.")
    print(f"\n/// Words of a set of IODs.\npub(crate) const WORDS: usize = {WORDS};")
    print(f"\n/// The entry that stands for SOP classes that are not listed: the modules every composite object has.\n"
          f"pub(crate) const COMPOSITE: u8 = {len(iods) - 1};")
    table("SOP_CLASSES", "SOP class and its IOD, sorted by SOP class.", "(&str, u8)",
          [f'("{uid}", {iods.index(iod)})' for uid, iod in sorted(sop_classes.items())], 3)
    table("NODES", "Sequences as (parent, tag), sorted; the root is 0, row n is node n + 1.", "(u16, u32)",
          [f"({parent}, {tag:#010x})" for parent, tag in nodes], 8)
    table("ATTRIBUTES", "(node, tag, index of its set), sorted.", "(u16, u32, u16)",
          [f"({node}, {tag:#010x}, {index})" for node, tag, index in rows], 6)
    table("SETS", "IODs in which an attribute is Type 1, and in which it is Type 2.", "([u64; WORDS], [u64; WORDS])",
          [f"({words(one)}, {words(two)})" for one, two in sets], 1)


main()
