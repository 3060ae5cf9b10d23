"""Every header is guarded by `#pragma once`, begins by saying what it is for, and opens no namespace for others."""

import os
import re


def check(root, files):
    findings = []
    for name in sorted(f for f in files if f.endswith(".h")):
        with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        if "#pragma once" not in lines:
            findings.append(f"{name}:1: no #pragma once")
        if not lines or not lines[0].startswith(("//", "/*")):
            findings.append(f"{name}:1: the first line must say what the header is for")
        for number, line in enumerate(lines, 1):
            if re.match(r"using namespace\b", line):
                findings.append(f"{name}:{number}: `using namespace` in a header reaches every includer")
    return findings
