#!/usr/bin/env python3
"""De-identifies public test files that nobody made for us: every file of PyPI's pydicom, pydicom-data and deid-data.

  corpora.py [--profile NAME] [--option NAME]... [--only PATTERN] [--report FILE]

Each file goes through a call of its own and is de-identified, or left out with a reason; nothing crashes. Of what is de-identified:
no dciodvfy error line that the source had not, the same pixels by gdcminfo where the object says that none was masked, readable by
dcmdump and dsrdump where the source was, and none of the source's own identifiers in the bytes (residual.py), but for the reviewed
ones of corpora-exceptions.csv. Prints a table and each finding; ends with 1 when there is one.
"""
import argparse
import collections
import concurrent.futures
import csv
import fnmatch
import os
import sys
import tempfile
from pathlib import Path

import pydicom

import oracles
import ours
import public_files
import residual

EXCEPTIONS = Path(__file__).with_name("corpora-exceptions.csv")


def is_masked(output):
    """Whether the object says that its pixels were cleaned (113101)."""
    codes = pydicom.dcmread(output, stop_before_pixels=True).get("DeidentificationMethodCodeSequence") or []
    return any(item.get("CodeValue") == "113101" for item in codes)


def examine(source, output, tags):
    """(check, what) of each thing that is wrong with the output."""
    for line in oracles.new_iod_errors(source, output):
        yield "iod", line
    before = oracles.pixel_digest(source)
    if before and not is_masked(output) and oracles.pixel_digest(output) != before:
        yield "pixels", "gdcminfo's digest changed"
    for program in sorted(oracles.reads(source) - oracles.reads(output)):
        yield "readers", f"{program} no longer reads it"
    for term, origin, where in residual.left(source, output, tags):
        yield "residual", f"{term!r} of {origin} is in {where}"


def one(name, source, folder, args, tags):
    """(name, what became of it, reason, findings)"""
    output = folder / f"{abs(hash(name))}"
    answer = ours.deid(source, output, profile=args.profile, options=args.option)
    if answer.crashed:
        return name, "crashed", answer.stderr[-300:], [("crash", f"status {answer.status}: {answer.stderr[-300:]}")]
    if answer.left:
        code, reason = next(iter(answer.left.values()))
        return name, "left out", f"{code}: {reason}", [] if reason else [("reason", "left out without a reason")]
    written = list(output.iterdir())
    if answer.summary["not_dicom"]:
        return name, "not DICOM", "", [("lost", "skipped, yet written")] if written else []
    if len(written) != 1:
        return name, "lost", "", [("lost", f"{len(written)} files came back")]
    return name, "de-identified", "", list(examine(source, written[0], tags))


def accepted(rows, name, check, what):
    """The reason of the first reviewed exception that covers the finding."""
    for row in rows:
        if fnmatch.fnmatch(name, row["file"]) and row["check"] == check and row["what"] in what:
            row["used"] = True
            return row["reason"]
    return None


def report(results, exceptions, profile):
    """The text, and how many findings nobody has reviewed. Exceptions are kept for the Basic Profile: another one needs fewer or others."""
    fates, reasons, checks = (collections.Counter() for _ in range(3))
    lines, reviewed = [], collections.Counter()
    for name, fate, reason, findings in results:
        fates[name.split("/")[0], fate] += 1
        if fate == "left out":
            reasons[reason] += 1
        for check, what in findings:
            why = accepted(exceptions, name, check, what)
            if why:
                reviewed[why] += 1
            else:
                checks[check] += 1
                lines.append(f"FINDING {check:9} {name}: {what}")
    text = [f"{package:14}{fate:16}{count:5}" for (package, fate), count in sorted(fates.items())]
    text += ["", *(f"{count:5} left out: {reason}" for reason, count in reasons.most_common())]
    text += ["", *(f"{name}: {fate}" for name, fate, *_ in results if fate == "not DICOM")]
    text += ["", *(f"{count:5} reviewed: {why}" for why, count in reviewed.most_common())]
    text += [] if profile else [f"      exception not needed any more: {row['file']}, {row['check']}, {row['what']}" for row in exceptions if "used" not in row]
    text += ["", *lines, "", f"{len(results)} files, findings: {dict(checks) or 'none'}"]
    return "\n".join(text), sum(checks.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", help="name or file of a profile (basic)")
    parser.add_argument("--option", action="append", default=[], choices=ours.OPTIONS, metavar="NAME")
    parser.add_argument("--only", default="*", help="files whose name, package/path, is like this")
    parser.add_argument("--report", type=Path, help="write the text here too")
    args = parser.parse_args()
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    with open(EXCEPTIONS, encoding="utf-8") as file:
        exceptions = list(csv.DictReader(file))
    tags = residual.removed_tags(ours.options_of(args.profile, args.option))
    with tempfile.TemporaryDirectory(prefix="corpora") as folder:
        files = [entry for entry in public_files.collect(Path(folder) / "in") if fnmatch.fnmatch(entry[0], args.only)]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda entry: one(*entry, Path(folder), args, tags), files))
    text, findings = report(results, exceptions, args.profile)
    print(text)
    if args.report:
        args.report.write_text(text + "\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
