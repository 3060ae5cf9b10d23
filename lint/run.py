#!/usr/bin/env python3
"""Runs the lints of this folder over the source tree, and each of them over its own samples.

    lint/run.py             every lint, over the repository and over its samples
    lint/run.py layers      only this one

A lint is a module here with `check(root, files)`, which gives a list of texts "path:line: what is wrong and what to do
instead". lint/samples/NAME/fires must make it speak, lint/samples/NAME/passes must leave it silent.
"""

import importlib
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
LINTS = ["layers", "headers", "hygiene", "coroutines", "compat"]
REPORTS = ["sizes"]  # these speak, but nothing fails by them


def tracked_files(root):
    """Files under version control and new ones that are not ignored; without the samples of this folder."""
    command = ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    return [n for n in names if n and not n.startswith("lint/") and os.path.isfile(os.path.join(root, n))]


def all_files(root):
    return [os.path.relpath(os.path.join(d, n), root) for d, _, names in os.walk(root) for n in names]


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def count(self, name, good, findings=()):
        self.passed += good
        self.failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {name}")
        for finding in findings:
            print(f"     {finding}")


def main(wanted):
    sys.path.insert(0, HERE)
    files = tracked_files(ROOT)
    tally = Tally()
    for name in [n for n in LINTS if not wanted or n in wanted]:
        lint = importlib.import_module(name)
        findings = lint.check(ROOT, files)
        tally.count(f"lint.{name}", not findings, findings)
        for kind in ("fires", "passes"):
            sample = os.path.join(HERE, "samples", name, kind)
            found = lint.check(sample, all_files(sample))
            good = bool(all_files(sample)) and bool(found) == (kind == "fires")
            tally.count(f"lint.{name}.{kind}", good, [] if good else found or ["nothing was found in the sample"])
    for name in [n for n in REPORTS if not wanted or n in wanted]:
        for line in importlib.import_module(name).report(ROOT, files):
            print(f"note {line}")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
