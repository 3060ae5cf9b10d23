"""Includes only point up the list of docs/architecture.md, services never include one another, and no file includes itself in a circle."""

import os
import re

ORDER = {"base": 0, "codec": 1, "contract": 2, "net": 3, "linux": 4, "store": 4, "oci": 4, "dbus": 4}
SERVICES = {"api", "runner", "proxy", "daemon", "cli", "ssh-gateway", "snapshot-manager", "otel-collector"}
# What apps/server may see of the services it runs: the public header of each, and the spawner's entry point.
SERVER_MAY = {"api", "runner", "proxy"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"((?:libs|apps|tests|bench)/[^"]+)"')
# The daemon lives inside sandboxes and stays small.
DAEMON_LIBS = {"base", "codec", "contract", "net", "linux", "dbus"}


def includes_of(root, name):
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            found = INCLUDE.match(line)
            if found:
                yield number, found.group(1)


def complaint(source, target):
    """Why a file in `source` may not include `target`, or None. Both are lists of path parts."""
    if source[0] in ("tests", "bench"):
        return None
    if target[0] in ("tests", "bench"):
        return "product code must not depend on tests or benches"
    if source[0] == "libs":
        if target[0] == "apps":
            return "libraries know nothing of the programs"
        if source[1] == target[1]:
            return None
        if source[1] in ORDER and target[1] in ORDER and ORDER[target[1]] >= ORDER[source[1]]:
            return f"libs/{source[1]} is not above libs/{target[1]} (base < codec < contract < net < linux, store, oci, dbus)"
        return None
    if target[0] == "libs":
        if source[1] == "daemon" and target[1] not in DAEMON_LIBS:
            return f"the daemon links only {', '.join(sorted(DAEMON_LIBS))}"
        return None
    if source[1] == target[1] or (source[1] == "server" and target[1] in SERVER_MAY):
        return None
    return f"apps/{source[1]} must not include apps/{target[1]}: what they say to one another is a struct in libs/contract"


def cycles(graph):
    """Each cycle once, as a text."""
    done, found = set(), []

    def visit(node, path):
        if node in path:
            found.append(" -> ".join(path[path.index(node):] + [node]))
            return
        if node in done:
            return
        for target in sorted(graph.get(node, ())):
            visit(target, path + [node])
        done.add(node)

    for node in sorted(graph):
        visit(node, [])
    return found


def module_of(name):
    """A folder is a module: libs/net, apps/api/jobs."""
    return os.path.dirname(name)


def check(root, files):
    findings, by_file, by_module = [], {}, {}
    for name in sorted(f for f in files if f.endswith((".h", ".cc"))):
        for number, target in includes_of(root, name):
            why = complaint(name.split("/"), target.split("/"))
            if why:
                findings.append(f"{name}:{number}: includes {target}: {why}")
            by_file.setdefault(name, set()).add(target)
            test = name.endswith(("_test.cc", "_fuzz.cc")) or name.startswith(("tests/", "bench/"))
            if not test and module_of(name) != module_of(target):
                by_module.setdefault(module_of(name), set()).add(module_of(target))
    findings += [f"{c.split(' ')[0]}:1: files include one another: {c}" for c in cycles(by_file)]
    findings += [f"{c.split(' ')[0]}:1: folders depend on one another: {c}" for c in cycles(by_module)]
    return findings
