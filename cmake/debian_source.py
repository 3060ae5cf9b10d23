#!/usr/bin/env python3
"""Makes the source of a Debian package available, and prints the folder it is in.

debian_source.py SUITE PACKAGE VERSION      (1.9: whatever of 1.9.x the suite has)

The source is fetched once from the archive that this host takes Debian from, checked by apt against the archive's
signature, unpacked with Debian's patches into ~/.cache/daytona/sources (XDG_CACHE_HOME is honoured) and used from there
ever after, without the network.
"""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Failure(Exception):
    pass


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "daytona" / "sources"


def archive():
    """Where this host's main Debian packages come from."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT) $(ORIGIN) $(RELEASE)"]
    try:
        lines = subprocess.run(command + ["Identifier: Packages"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failure(f"apt-get does not tell where this host's packages come from ({error})") from error
    for fields in (line.split() for line in lines.splitlines()):
        if len(fields) == 4 and fields[1:3] == ["main", "Debian"] and "-" not in fields[3]:
            return fields[0]
    raise Failure("apt knows no Debian archive on this host (run apt-get update; apt-get indextargets shows them)")


def apt(state, *arguments):
    options = [
        f"Dir::Etc::sourcelist={state}/sources.list",
        "Dir::Etc::sourceparts=-",
        f"Dir::State::lists={state}/lists",
        f"Dir::Cache={state}/cache",
        "APT::Sandbox::User=",  # the folder is the user's own
        "Acquire::Languages=none",
    ]
    command = ["apt-get", "-qq"] + [word for option in options for word in ("-o", option)] + list(arguments)
    done = subprocess.run(command, cwd=state, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise Failure(f"apt-get {' '.join(arguments)}: {done.stdout.strip()[-2000:]}")
    return done.stdout


def newest(state, package, version):
    """What the suite has of this version."""
    listing = apt(state, "indextargets", "--format", "$(FILENAME)", "Identifier: Sources")
    if not listing.strip():
        raise Failure("the archive has no sources")
    options = [f"Dir::Etc::sourcelist={state}/sources.list", "Dir::Etc::sourceparts=-", f"Dir::State::lists={state}/lists"]
    command = ["apt-cache"] + [word for option in options for word in ("-o", option)]
    command += ["-o", f"Dir::Cache={state}/cache", "showsrc", "--only-source", package]
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    versions = [v for v in re.findall(r"^Version: (\S+)$", text, re.MULTILINE) if v.startswith(f"{version}.")]
    if not versions:
        raise Failure(f"the archive has no {package} {version}.*")
    return versions[-1]


def fetch(suite, package, version, target):
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        state = pathlib.Path(work)
        for folder in ("lists/partial", "cache/archives/partial"):
            (state / folder).mkdir(parents=True)
        signed = f"[signed-by={KEYRING}] " if os.path.exists(KEYRING) else ""
        (state / "sources.list").write_text(f"deb-src {signed}{archive()} {suite} main\n", encoding="utf-8")
        apt(state, "update")
        apt(state, "source", f"{package}={newest(state, package, version)}")
        unpacked = [entry for entry in state.iterdir() if entry.is_dir() and (entry / "debian").is_dir()]
        if len(unpacked) != 1:
            raise Failure(f"the source of {package} did not unpack")
        unpacked[0].rename(target)


def main(argv):
    if len(argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    suite, package, version = argv
    target = cache_folder() / suite / f"{package}-{version}"
    if not target.is_dir():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target.parent / ".lock", "w", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not target.is_dir():
                    if not shutil.which("dpkg-source"):
                        raise Failure("dpkg-source is missing: ./x deps build")
                    fetch(suite, package, version, target)
        except (Failure, OSError) as error:
            print(f"cannot get the source of {package} {version} from Debian {suite}: {error}", file=sys.stderr)
            print(f"Unpack it yourself into {target} (any machine with Debian's archive has it).", file=sys.stderr)
            return 1
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
