"""Rows of a database of the program, read beside it: rows.py DATABASE SQL; one JSON object per line."""
import json
import sqlite3
import sys

connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=10)
connection.row_factory = sqlite3.Row
for row in connection.execute(sys.argv[2]):
    print(json.dumps(dict(row)))
