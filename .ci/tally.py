#!/usr/bin/env python3
"""Counts test cases in what the runners leave behind. Prints "PASSED FAILED SKIPPED".

    tally.py ctest JUNIT_FILE GTEST_FOLDER   cases of all gtest programs, plus programs that failed without saying which case
    tally.py text LOG                        the last summary line of our scripts, unittest, pytest or node:test
"""

import glob
import json
import os
import re
import sys
import xml.etree.ElementTree as ElementTree


def of_gtest(folder):
    """{program: (passed, failed, skipped)} from the JSON reports of the gtest programs."""
    counts = {}
    for path in glob.glob(os.path.join(folder, "*.json")):
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        passed = failed = skipped = 0
        for case in (case for suite in report["testsuites"] for case in suite["testsuite"]):
            if case.get("failures"):
                failed += 1
            elif case.get("result") == "SKIPPED" or case.get("status") == "NOTRUN":
                skipped += 1
            else:
                passed += 1
        counts[os.path.basename(path)[: -len(".json")]] = (passed, failed, skipped)
    return counts


def of_ctest(junit, folder):
    programs = of_gtest(folder)
    passed, failed, skipped = (sum(c[i] for c in programs.values()) for i in range(3))
    bad = [t for t in ElementTree.parse(junit).getroot().iter("testcase") if t.get("status") not in ("run", "notrun", "disabled")]
    # A program that crashed or ran out of time left no report, or one without a failed case.
    if len(bad) > sum(1 for c in programs.values() if c[1]):
        failed += len(bad) - sum(1 for c in programs.values() if c[1])
    return passed, failed, skipped


def number(pattern, line):
    found = re.search(pattern, line)
    return int(found.group(1)) if found else 0


def of_text(log):
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    for position, line in reversed(list(enumerate(lines))):
        if re.search(r"\b\d+ (passed|failed)\b", line):   # ours and pytest's
            return tuple(number(rf"\b(\d+) {word}\b", line) for word in ("passed", "failed", "skipped"))
        if re.match(r"Ran \d+ tests?", line):               # unittest
            verdict = " ".join(lines[position:])
            failed = number(r"failures=(\d+)", verdict) + number(r"errors=(\d+)", verdict)
            skipped = number(r"skipped=(\d+)", verdict)
            return number(r"Ran (\d+)", line) - failed - skipped, failed, skipped
    return 0, 0, 0


def main(words):
    if words[:1] == ["ctest"] and len(words) == 3:
        counts = of_ctest(words[1], words[2])
    elif words[:1] == ["text"] and len(words) == 2:
        counts = of_text(words[1])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    print(*counts)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
