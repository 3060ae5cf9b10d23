"""A coroutine lambda must not capture by reference: its captures die with the lambda object, the coroutine may live on.

Allowed where the lambda is called in the statement that makes it, or is a named local of a function that waits for it; such
places carry a comment `// outlives: why`.
"""

import os
import re

# [&…] or [this…] (…) -> Task<…> {   A plain list of by-value captures and captureless lambdas are fine.
LAMBDA = re.compile(r"\[(?P<captures>[^\[\]]*&[^\[\]]*)\]\s*\([^()]*\)\s*(?:mutable\s*)?->\s*(?:dt::)?Task<")


def check(root, files):
    findings = []
    for name in sorted(f for f in files if f.endswith((".h", ".cc")) and not f.endswith(("_test.cc", "_fuzz.cc"))):
        if name.startswith(("tests/", "bench/")):
            continue
        with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        for number, line in enumerate(lines, 1):
            before = lines[number - 2] if number > 1 else ""
            if LAMBDA.search(line) and "outlives:" not in line and "outlives:" not in before:
                findings.append(f"{name}:{number}: a coroutine lambda captures by reference; pass parameters, or say `// outlives: why`")
    return findings
