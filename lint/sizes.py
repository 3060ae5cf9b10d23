"""Files that have grown beyond what one reads in one go. A smell, not a rule."""

import os

AIMS = {".cc": 450, ".h": 250, ".py": 450}


def report(root, files):
    for name in sorted(files):
        aim = AIMS.get(os.path.splitext(name)[1])
        if aim is None:
            continue
        with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
            lines = sum(1 for _ in file)
        if lines > aim:
            yield f"{name} has {lines} lines (aim: at most {aim})"
