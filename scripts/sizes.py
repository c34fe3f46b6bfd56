#!/usr/bin/env python3
"""Prints how long the files and functions of the Rust source are, and names the files over 600 lines.

Tests are left out: folders `tests` and `benches`, and what follows `#[cfg(test)]` at the start of a line. Aims are in CONTRIBUTING.md.
"""
import re
import statistics
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = {"target", "tests", "benches", ".venv", "fuzz"}
FUNCTION = re.compile(r"^(\s*)(?:pub(?:\([a-z ]+\))? )?(?:const |async )*fn (\w+)")


def source_files():
    for path in sorted(ROOT.glob("*/**/*.rs")):
        if not SKIPPED & set(path.relative_to(ROOT).parts):
            yield path


def functions(lines):
    """(name, lines) of each function, as rustfmt lays them out: the end has the indent of the start."""
    for start, line in enumerate(lines):
        found = FUNCTION.match(line)
        if not found:
            continue
        end = found.group(1) + "}"
        for length, later in enumerate(lines[start:], 1):
            if later.startswith(end) and later.rstrip() == end or (length == 1 and later.rstrip().endswith(("}", ";"))):
                yield found.group(2), length
                break


def figures(label, sizes):
    values = sorted(size for size, _ in sizes)
    p90 = values[min(len(values) - 1, len(values) * 9 // 10)]
    print(f"{label:<10}{len(values):>6}   median {statistics.median(values):>4.0f}   p90 {p90:>4}   longest {values[-1]:>5}")


def main():
    files, bodies = [], []
    for path in source_files():
        name = str(path.relative_to(ROOT))
        lines = re.split(r"(?m)^#\[cfg\(test\)\]", path.read_text())[0].splitlines()
        files.append((len(lines), name))
        bodies += [(length, f"{name} {function}") for function, length in functions(lines)]
    figures("files", files)
    figures("functions", bodies)
    for title, sizes, limit in (("files over 600 lines", files, 600), ("functions over 80 lines", bodies, 80)):
        over = sorted((one for one in sizes if one[0] > limit), reverse=True)
        print(f"\n{title}: {len(over)}")
        for size, name in over:
            print(f"{size:>7}  {name}")


if __name__ == "__main__":
    main()
