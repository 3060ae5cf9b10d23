#!/usr/bin/env python3
"""Packs a root file system folder into an OCI image layout, and unpacks one again.

The result depends only on the folder, the recipe and SOURCE_DATE_EPOCH: entries are sorted, owners
numeric, extended attributes kept, times whole seconds and clamped to SOURCE_DATE_EPOCH when that is set.
Python standard library and GNU tar only.
"""

import argparse
import datetime
import gzip
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = {
    "none": "application/vnd.oci.image.layer.v1.tar",
    "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
}
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}
REF_NAME = "org.opencontainers.image.ref.name"
INPUTS = "io.daytona.image.inputs"
CHUNK = 1 << 20


class PackError(Exception):
    """Something that the caller can mend; the text names cause and remedy."""


def epoch():
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not text.isdigit():
        raise PackError(f"SOURCE_DATE_EPOCH is {text!r}; give seconds since 1970 or unset it")
    return int(text)


def created():
    seconds = epoch()
    moment = (
        datetime.datetime.now(datetime.timezone.utc)
        if seconds is None
        else datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    )
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def to_json(value):
    return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"


class HashingFile:
    """A file that is written once and knows digest and size of what went through it."""

    def __init__(self, file):
        self.file = file
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data):
        self.hash.update(data)
        self.size += len(data)
        return self.file.write(data)

    def flush(self):
        self.file.flush()

    def digest(self):
        return "sha256:" + self.hash.hexdigest()


def tar_command(rootfs):
    command = [
        "tar",
        "--create",
        "--file=-",
        f"--directory={rootfs}",
        "--sort=name",
        "--numeric-owner",
        "--format=posix",
        "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime,delete=mtime",
        "--xattrs",
        "--xattrs-include=*",
        "--anchored",
        "--no-wildcards-match-slash",
        "--exclude=dev/*",  # made anew by every runtime; device nodes cannot be unpacked unprivileged
    ]
    if epoch() is not None:
        command += [f"--mtime=@{epoch()}", "--clamp-mtime"]
    # Names without a leading "./", as other image builders write them.
    return command + ["--"] + sorted(os.listdir(rootfs))


def write_layer(rootfs, blobs, compression):
    """Streams the folder into a blob. Returns (descriptor, diff id)."""
    temporary = os.path.join(blobs, "layer.part")
    with open(temporary, "wb") as file:
        blob = HashingFile(file)
        if compression == "gzip":
            zipped = gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=blob, mtime=0)
            content = HashingFile(zipped)
        else:
            zipped, content = None, blob
        with subprocess.Popen(tar_command(rootfs), stdout=subprocess.PIPE) as tar:
            while data := tar.stdout.read(CHUNK):
                content.write(data)
        if tar.returncode != 0:
            raise PackError(f"tar of {rootfs} ended with {tar.returncode}; see its message above")
        if zipped:
            zipped.close()
    os.rename(temporary, os.path.join(blobs, blob.digest()[len("sha256:") :]))
    return {"mediaType": LAYER[compression], "digest": blob.digest(), "size": blob.size}, content.digest()


def write_blob(blobs, media_type, value):
    data = to_json(value)
    name = hashlib.sha256(data).hexdigest()
    with open(os.path.join(blobs, name), "wb") as file:
        file.write(data)
    return {"mediaType": media_type, "digest": "sha256:" + name, "size": len(data)}


def write_layout(rootfs, recipe, target, inputs, compression):
    blobs = os.path.join(target, "blobs", "sha256")
    os.makedirs(blobs)
    layer, diff_id = write_layer(rootfs, blobs, compression)
    os_and_arch = {"architecture": ARCHITECTURE.get(platform.machine(), platform.machine()), "os": "linux"}
    reference = f"{recipe['name']}:{recipe['version']}"
    config = {
        "created": created(),
        **os_and_arch,
        "config": recipe["config"],
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": created(), "created_by": f"build {reference}"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": write_blob(blobs, CONFIG, config),
        "layers": [layer],
    }
    descriptor = write_blob(blobs, MANIFEST, manifest)
    descriptor["platform"] = os_and_arch
    descriptor["annotations"] = {REF_NAME: reference, INPUTS: inputs}
    with open(os.path.join(target, "index.json"), "wb") as file:
        file.write(to_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor]}))
    with open(os.path.join(target, "oci-layout"), "wb") as file:
        file.write(to_json({"imageLayoutVersion": "1.0.0"}))
    return reference, layer["size"]


def check_replaceable(layout):
    if os.path.lexists(layout) and not os.path.isdir(layout):
        raise PackError(f"{layout} exists and is no folder; name another output folder")
    if os.path.isdir(layout) and os.listdir(layout) and not os.path.exists(os.path.join(layout, "oci-layout")):
        raise PackError(f"{layout} holds something else than an OCI layout; empty it or name another folder")


def check(args):
    check_replaceable(args.layout)


def pack(args):
    check_replaceable(args.layout)
    layout = os.path.abspath(args.layout)
    parent = os.path.dirname(layout)
    os.makedirs(parent, exist_ok=True)
    with open(args.recipe, encoding="utf-8") as file:
        recipe = json.load(file)
    # Both renames stay inside one hidden folder next to the target, so a killed build leaves the old layout whole.
    with tempfile.TemporaryDirectory(prefix=".oci-", dir=parent) as work:
        fresh = os.path.join(work, "new")
        reference, size = write_layout(args.rootfs, recipe, fresh, args.inputs, args.compression)
        if os.path.isdir(layout):
            os.rename(layout, os.path.join(work, "old"))
        os.rename(fresh, layout)
    print(f"packed {reference}: layer of {size / 1e6:.1f} MB in {layout}")


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def blob_path(layout, descriptor):
    algorithm, _, name = descriptor["digest"].partition(":")
    return os.path.join(layout, "blobs", algorithm, name)


def read_layout(layout):
    """Returns (descriptor in the index, manifest, image config) of the layout's first image."""
    descriptor = read_json(os.path.join(layout, "index.json"))["manifests"][0]
    manifest = read_json(blob_path(layout, descriptor))
    return descriptor, manifest, read_json(blob_path(layout, manifest["config"]))


def fresh(args):
    try:
        descriptor, manifest, _ = read_layout(args.layout)
        whole = all(os.path.getsize(blob_path(args.layout, d)) == d["size"] for d in manifest["layers"])
    except (OSError, ValueError, KeyError, IndexError):
        return 1
    return 0 if whole and descriptor.get("annotations", {}).get(INPUTS) == args.inputs else 1


def unpack(args):
    _, manifest, _ = read_layout(args.layout)
    os.makedirs(args.rootfs, exist_ok=True)
    if len(manifest["layers"]) != 1:
        raise PackError("this unpacks only images of one layer, such as the ones packed here")
    path = blob_path(args.layout, manifest["layers"][0])
    subprocess.run(
        ["tar", "--extract", f"--file={path}", f"--directory={args.rootfs}", "--numeric-owner"]
        + ["--preserve-permissions", "--same-owner", "--xattrs", "--xattrs-include=*"],
        check=True,
    )


def show_config(args):
    print(json.dumps(read_layout(args.layout)[2]["config"]))


def digest(args):
    total = hashlib.sha256()
    for extra in args.extra:
        total.update(f"extra {extra}\n".encode())
    for path in args.paths:
        names = [path]
        if os.path.isdir(path):
            names = [os.path.join(folder, n) for folder, _, files in os.walk(path) for n in files]
        for name in sorted(names):
            relative = os.path.join(os.path.basename(path), os.path.relpath(name, path))
            with open(name, "rb") as file:
                content = hashlib.sha256(file.read()).hexdigest()
            total.update(f"{relative} {os.stat(name).st_mode & 0o777:o} {content}\n".encode())
    print("sha256:" + total.hexdigest())


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)

    def command(name, function, text, *options):
        sub = commands.add_parser(name, help=text)
        sub.set_defaults(function=function)
        for option in options:
            sub.add_argument(option, required=True)
        return sub

    sub = command("pack", pack, "folder to OCI layout", "--rootfs", "--recipe", "--layout", "--inputs")
    sub.add_argument("--compression", choices=sorted(LAYER), default="none")
    command("check", check, "fail when the layout may not be replaced", "--layout")
    command("fresh", fresh, "exit 0 when the layout was made from these inputs", "--layout", "--inputs")
    command("unpack", unpack, "OCI layout to folder", "--layout", "--rootfs")
    command("config", show_config, "print the image config", "--layout")
    sub = command("digest", digest, "digest of files and folders")
    sub.add_argument("--extra", action="append", default=[])
    sub.add_argument("paths", nargs="+")
    args = parser.parse_args(argv)
    try:
        return args.function(args) or 0
    except (PackError, OSError, subprocess.CalledProcessError) as error:
        print(f"pack_oci: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
