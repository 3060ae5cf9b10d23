#!/usr/bin/env python3
"""Collects how this host reaches package registries, for use inside a build's root file system.

client_config.py apt SUITE DIR      writes DIR/sources.list (empty when the host has none for SUITE) and DIR/apt.conf
client_config.py languages DIR      writes DIR/env (shell), DIR/pip.conf, DIR/npmrc and DIR/binds

The second folder is mounted as /run/build while the build runs. Values that name a file or folder of
the host (CA bundles, local wheels) are rewritten to /run/build/files/N, and DIR/binds says what to mount
there. Nothing here knows a host name; nothing written here may be copied into an image.
"""

import configparser
import os
import re
import shlex
import subprocess
import sys

INSIDE = "/run/build"
PASSED_AS_IS = re.compile(r"^(https?|ftp|all|no)_proxy$", re.IGNORECASE)
CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "PIP_CERT")
# Settings about places on the host; they mean nothing inside.
NOT_FOR_INSIDE = re.compile(
    r"(config_file|target|prefix|root|user|userconfig|globalconfig|cache|cache.dir|nodedir|tmp|editor|shell|log|log.file|build.tracker)$"
)
SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


class Binds:
    """Hands out names inside for files and folders of the host."""

    def __init__(self):
        self.lines = []

    def inside(self, text):
        return " ".join(self._word(word) for word in text.split()) if "/" in text else text

    def _word(self, word):
        path = word[len("file://") :] if word.startswith("file://") else word
        if not path.startswith("/") or not os.path.exists(path):
            return word
        for source, target in self.lines:
            if source == path:
                return target
        target = f"{INSIDE}/files/{len(self.lines)}"
        self.lines.append((path, target))
        return target


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def apt_sources(suite):
    """The host's Debian sources of the suite, or nothing: then mmdebstrap takes its own default."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)"]
    lines = subprocess.run(command + ["Identifier: Packages"], capture_output=True, text=True, check=False).stdout
    sources = set()
    for fields in (line.split() for line in lines.splitlines()):
        if len(fields) == 4 and fields[3] == "Debian" and fields[2] == "main":
            if fields[1] in (suite, f"{suite}-updates", f"{suite}-security"):
                sources.add(f"deb {fields[0]} {fields[1]} main\n")
    return "".join(sorted(sources)) if any(f" {suite} main" in s for s in sources) else ""


def apt_settings():
    command = ["apt-config", "dump", "--no-empty", "--format", '%F "%v";%n']
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    wanted = re.compile(r"^Acquire::(https?::|Check-|Retries)")
    return "".join(line + "\n" for line in lines if wanted.match(line))


def pip_config(binds):
    home = os.path.expanduser("~")
    config_home = os.environ.get("XDG_CONFIG_HOME", f"{home}/.config")
    files = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf", f"{home}/.pip/pip.conf", f"{config_home}/pip/pip.conf"]
    parser = configparser.RawConfigParser()
    parser.read(files + [os.environ.get("PIP_CONFIG_FILE", "")])
    for section in parser.sections():
        for key, value in list(parser.items(section)):
            if NOT_FOR_INSIDE.search(key):
                parser.remove_option(section, key)
            else:
                parser.set(section, key, binds.inside(value))
    return "".join(
        f"[{section}]\n" + "".join(f"{k} = {v}\n" for k, v in parser.items(section)) for section in parser.sections()
    )


def npm_config(binds):
    variables = {name.lower(): value for name, value in os.environ.items()}
    files = ["/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc", variables.get("npm_config_globalconfig", "")]
    files.append(variables.get("npm_config_userconfig", os.path.expanduser("~/.npmrc")))
    settings = {}
    for path in dict.fromkeys(files):
        if not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8") as file:
            for line in file:
                key, equals, value = (part.strip() for part in line.partition("="))
                if equals and not key.startswith(("#", ";")) and not NOT_FOR_INSIDE.search(key):
                    settings[key] = binds.inside(value.strip("\"'"))
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def environment(binds):
    result = {}
    for name, value in os.environ.items():
        client = name.startswith("PIP_") or name.lower().startswith("npm_config_")
        if PASSED_AS_IS.match(name):
            result[name] = value
        elif (client and not NOT_FOR_INSIDE.search(name.lower())) or name in CA_VARIABLES:
            result[name] = binds.inside(value)
    if os.path.exists(SYSTEM_BUNDLE):  # a host may trust more authorities than the image will
        for name in ("PIP_CERT", "NODE_EXTRA_CA_CERTS"):
            result.setdefault(name, binds.inside(SYSTEM_BUNDLE))
    result["PIP_CONFIG_FILE"] = f"{INSIDE}/pip.conf"
    result["NPM_CONFIG_USERCONFIG"] = f"{INSIDE}/npmrc"
    return result


def languages(folder):
    binds = Binds()
    os.makedirs(os.path.join(folder, "files"), exist_ok=True)
    write(folder, "pip.conf", pip_config(binds))
    write(folder, "npmrc", npm_config(binds))
    exports = environment(binds)
    write(folder, "env", "".join(f"export {k}={shlex.quote(v)}\n" for k, v in sorted(exports.items())))
    write(folder, "binds", "".join(f"{source}\t{target}\n" for source, target in binds.lines))


def apt(suite, folder):
    write(folder, "sources.list", apt_sources(suite))
    write(folder, "apt.conf", apt_settings())


def main(argv):
    if len(argv) == 3 and argv[0] == "apt":
        apt(argv[1], argv[2])
    elif len(argv) == 2 and argv[0] == "languages":
        languages(argv[1])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
