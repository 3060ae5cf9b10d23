"""Nothing in the tree names a package registry, a machine of ours, or a key."""

import os
import re

HOSTS = re.compile(
    r"\b(?:registry|pypi|npm|files|deb|security|snapshot|mirrors?|index|archive|proxy|sum)\.(?!example\b|test\b|local)[a-z0-9-]+\."
    r"(?:org|io|com|net|dev)\b|\b(?:ghcr|quay|gcr)\.io\b"
)
PLACES = re.compile(r"/Users/\w+|(?<![\w.])/home/(?!daytona\b|user\b|sandbox\b)\w+/")   # homes of people; sandboxes have some too
SECRETS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bdtn_[0-9a-f]{64}\b")
RULES = [
    (HOSTS, "names a package registry: take it from the host's own configuration"),
    (PLACES, "names a place on somebody's machine"),
    (SECRETS, "looks like a key"),
]
BINARY = (".png", ".jpg", ".ico", ".woff2", ".gz", ".tar", ".pdf")
LIMIT = 2 << 20


def check(root, files):
    findings = []
    for name in sorted(f for f in files if not f.endswith(BINARY) and not f.startswith("LICENSE")):
        path = os.path.join(root, name)
        if os.path.getsize(path) > LIMIT:
            findings.append(f"{name}:1: larger than {LIMIT >> 20} MiB: results of builds do not belong here")
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                findings += [f"{name}:{number}: {why}" for rule, why in RULES if rule.search(line)]
    return findings
