"""docs/compatibility.md has a row for every operation of the toolbox's shapes, and names tests that exist.

The shapes are read from ../shared/contract when that folder is there; the tests are looked up in any case.
"""

import json
import os
import re

TABLE = "docs/compatibility.md"
SHAPES = ("toolbox.json", "toolbox-0.205.json")
METHODS = {"get", "post", "put", "delete", "patch", "head", "options"}
ROW = re.compile(r"^\| `(?P<operation>[^`]+)` \| (?P<state>[^|]+) \| (?P<test>[^|]+) \|$")
TEST = re.compile(r"^`(?P<file>[^`]+)` (?P<name>.+)$")


def operations(root):
    for name in SHAPES:
        path = os.path.join(root, "..", "shared", "contract", name)
        if not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8") as file:
            paths = json.load(file)["paths"]
        yield from (f"{method.upper()} {path}" for path, item in paths.items() for method in item if method in METHODS)


def wrong_test(root, state, cell):
    """What is wrong with a row's test, or nothing."""
    if state.startswith("not planned: "):
        return None
    if not state.startswith("works"):
        return f"is {state.strip()!r}: an operation works, or is not planned for a reason"
    test = TEST.match(cell)
    if not test:
        return "works, but names no test"
    path = os.path.join(root, test["file"])
    if not os.path.isfile(path):
        return f"names {test['file']}, which is not there"
    with open(path, encoding="utf-8") as file:
        return None if test["name"] in file.read() else f"names the test {test['name']!r}, which is not in {test['file']}"


def check(root, files):
    path = os.path.join(root, TABLE)
    if not os.path.isfile(path):
        return [f"{TABLE}:1: is missing"]
    findings, rows = [], set()
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            row = ROW.match(line.rstrip())
            if not row:
                continue
            if row["operation"] in rows:
                findings.append(f"{TABLE}:{number}: {row['operation']} has two rows")
            rows.add(row["operation"])
            wrong = wrong_test(root, row["state"], row["test"].strip())
            if wrong:
                findings.append(f"{TABLE}:{number}: {row['operation']} {wrong}")
    missing = sorted(set(operations(root)) - rows)
    return findings + [f"{TABLE}:1: {operation} has no row: add one with its state and its test" for operation in missing]
