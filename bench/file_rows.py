"""Files in a sandbox beside what a machine has of its own: many small files and a large one beside cp, scp and docker cp, and the
search by content beside ripgrep on the same tree. Transfers and references alternate; each writes to the disk, none waits for it (no fsync)."""

import contextlib
import http.client
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

BOUNDARY = "--------------------------benchboundary"
SIZE = 4096


def note(text):
    print("bench: " + text, file=sys.stderr, flush=True)


def small_files(path, count):
    """`count` files of 4 KiB, a hundred to a folder; their names below `path`."""
    content = random.Random(1).randbytes(SIZE)
    names = ["d%d/f%d" % (i // 100, i) for i in range(count)]
    for i, name in enumerate(names):
        os.makedirs(os.path.dirname("%s/%s" % (path, name)), exist_ok=True)
        with open("%s/%s" % (path, name), "wb") as f:
            f.write(i.to_bytes(4, "big") + content[4:])
    return names


def source_tree(path, count):
    """Files as source has them, text of 300 bytes to 20 KB; one in a thousand has the word that is looked for."""
    chance = random.Random(7)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz_", k=chance.randrange(3, 10))) for _ in range(3000)]

    def text(size):
        out = ""
        while len(out) < size:
            out += "  " * chance.randrange(5) + " ".join(chance.choices(words, k=chance.randrange(2, 11))) + ";\n"
        return out

    texts = [text(size) for size in (300, 1000, 3000, 8000, 20000) for _ in range(60)]
    for i in range(count):
        folder = "%s/d%d/e%d" % (path, i % 50, i // 50 % 25)
        os.makedirs(folder, exist_ok=True)
        with open("%s/f%d.c" % (folder, i), "w", encoding="utf-8") as f:
            f.write(chance.choice(texts) + ("the needle %d is here\n" % i if i % 997 == 0 else ""))


def median(times):
    return sorted(times)[len(times) // 2]


class FileRows:
    def __init__(self, work, server, report, docker):
        self.work, self.server, self.report, self.docker = work, server, report, docker
        self.cleanups = contextlib.ExitStack()

    def row(self, name, rounds, ours, theirs, **more):
        """One row for each reference; all of them and ours in turn, the first round warms the caches and is not counted."""
        times = {key: [] for key in ("ours", *theirs)}
        for number in range(rounds + 1):
            for key, call in (("ours", ours), *theirs.items()):
                start = time.monotonic()
                call(number)
                if number > 0:
                    times[key].append((time.monotonic() - start) * 1000)
        mine = median(times["ours"])
        for key in theirs:
            other = median(times[key])
            self.report({"name": name, "tier": "warm", "n": rounds, "failures": 0, "p50_ms": round(mine, 3), "reference": key,
                         "reference_p50_ms": round(other, 3), "ratio": round(mine / other, 3), **more})

    # --- many small files ------------------------------------------------------------------------------------------

    def call(self, sandbox, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.proxy_port, timeout=600)
        try:
            connection.request(method, "/toolbox/%s%s" % (sandbox, path), body,
                               {"Authorization": "Bearer " + self.server.api_key, **(headers or {})})
            answer = connection.getresponse()
            data = answer.read()
            if answer.status >= 300:
                raise RuntimeError("%s %s: %d %s" % (method, path, answer.status, data[:300]))
            return data
        finally:
            connection.close()

    def upload(self, sandbox, source, names, to):
        """As the SDKs send it: one form, for each file its path and its bytes."""
        parts = []
        for i, name in enumerate(names):
            with open("%s/%s" % (source, name), "rb") as f:
                content = f.read()
            parts.append(("--%s\r\nContent-Disposition: form-data; name=\"files[%d].path\"\r\n\r\n%s/%s\r\n--%s\r\nContent-Disposition: form-data; "
                          "name=\"files[%d].file\"; filename=\"f\"\r\nContent-Type: application/octet-stream\r\n\r\n" % (BOUNDARY, i, to, name, BOUNDARY, i)).encode())
            parts += [content, b"\r\n"]
        parts.append(("--%s--\r\n" % BOUNDARY).encode())
        self.call(sandbox, "POST", "/files/bulk-upload", b"".join(parts), {"Content-Type": "multipart/form-data; boundary=" + BOUNDARY})

    def download(self, sandbox, source, names, to):
        """One request, one part for each file, each written to the disk."""
        body = '{"paths":[%s]}' % ",".join('"%s/%s"' % (source, name) for name in names)
        data = self.call(sandbox, "POST", "/files/bulk-download", body, {"Content-Type": "application/json"})
        at = 0
        for name in names:
            at = data.index(b"\r\n\r\n", at) + 4
            path = "%s/%s" % (to, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(data[at:at + SIZE])
            at += SIZE
        if data[at:at + 4] != b"\r\n--":
            raise RuntimeError("the parts are not what was uploaded")

    def sshd(self):
        """scp's other end: a server of its own on a port of its own. The words of scp, or nothing."""
        binary = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not binary or not shutil.which("scp"):
            note("openssh-server or scp is not installed")
            return []
        base = self.cleanups.enter_context(tempfile.TemporaryDirectory(prefix="ssh-", dir=self.work))
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "%s/%s" % (base, key)], check=True)
        os.rename(base + "/user.pub", base + "/authorized")
        from instance import free_port
        port = free_port()
        with open(base + "/config", "w", encoding="utf-8") as f:
            f.write("ListenAddress 127.0.0.1:%d\nHostKey %s/host\nAuthorizedKeysFile %s/authorized\nStrictModes no\nPidFile none\nUsePAM no\n"
                    "PermitRootLogin yes\nSubsystem sftp internal-sftp\n" % (port, base, base))
        os.makedirs("/run/sshd", exist_ok=True)
        server = subprocess.Popen([binary, "-D", "-e", "-f", base + "/config"], stderr=subprocess.DEVNULL)
        self.cleanups.callback(lambda: (server.terminate(), server.wait(10)))
        words = ["scp", "-r", "-q", "-P", str(port), "-i", base + "/user", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                 "-o", "LogLevel=ERROR"]
        for _ in range(50):
            if subprocess.run([*words, base + "/config", "root@127.0.0.1:" + base + "/tried"], capture_output=True, check=False).returncode == 0:
                return words
            time.sleep(0.1)
        note("scp does not work here")
        return []

    def container(self):
        """Words of docker, and a container to copy into; or nothing."""
        if not self.docker:
            return [], ""
        made = subprocess.run([*self.docker, "create", "bench:1", "true"], capture_output=True, text=True, check=True)
        return self.docker, made.stdout.strip()

    def copies(self, source, target):
        """Copying `source` to the other end and back, with cp, scp and docker cp: two tables of calls by round."""
        scp, (docker, container) = self.sshd(), self.container()

        def run(*words):
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        up = {"cp": lambda i: run("cp", "-r", source, "%s/cp%d" % (target, i))}
        down = {"cp": lambda i: run("cp", "-r", source, "%s/cp-down%d" % (target, i))}
        if scp:
            up["scp"] = lambda i: run(*scp, source, "root@127.0.0.1:%s/scp%d" % (target, i))
            down["scp"] = lambda i: run(*scp, "root@127.0.0.1:" + source, "%s/scp-down%d" % (target, i))
        if docker:
            up["docker cp"] = lambda i: run(*docker, "cp", source, "%s:/docker%d" % (container, i))
            down["docker cp"] = lambda i: run(*docker, "cp", container + ":/docker0", "%s/docker-down%d" % (target, i))
        return up, down

    @contextlib.contextmanager
    def sandbox_and_target(self):
        sandbox = self.server.call("POST", "/sandbox", {})[1]["id"]
        try:
            yield sandbox, self.cleanups.enter_context(tempfile.TemporaryDirectory(prefix="copies-", dir=self.work))
        finally:
            self.server.call("DELETE", "/sandbox/" + sandbox)
            self.cleanups.close()

    def small(self, count, rounds):
        source = self.work + "/small"
        names = small_files(source, count)
        with self.sandbox_and_target() as (sandbox, target):
            up, down = self.copies(source, target)
            self.row("upload_%d_files" % count, rounds, lambda i: self.upload(sandbox, source, names, "/tmp/up%d" % i), up, bytes=count * SIZE)
            self.row("download_%d_files" % count, rounds, lambda i: self.download(sandbox, "/tmp/up0", names, "%s/down%d" % (target, i)), down,
                     bytes=count * SIZE)

    def large(self, mib, rounds):
        """One file, sent and received by curl. Each round writes over what the round before wrote."""
        source = self.work + "/large"
        with open(source, "wb") as f:
            for _ in range(mib):
                f.write(random.randbytes(1 << 20))
        with self.sandbox_and_target() as (sandbox, target):
            url = "http://127.0.0.1:%d/toolbox/%s/files" % (self.server.proxy_port, sandbox)
            curl = ["curl", "-sfS", "-H", "Authorization: Bearer " + self.server.api_key]

            def run(*words):
                subprocess.run([*curl, *words], check=True, stdout=subprocess.DEVNULL)
            up, down = self.copies(source, target)
            self.row("upload_file_%d_MiB" % mib, rounds,
                     lambda i: run("-X", "POST", "-T", source, "-H", "Content-Type: application/octet-stream", url + "/upload-v2?path=/tmp/large"),
                     {key: lambda i, c=call: c(0) for key, call in up.items()}, bytes=mib << 20)
            self.row("download_file_%d_MiB" % mib, rounds, lambda i: run("-o", target + "/down", url + "/download?path=/tmp/large"),
                     {key: lambda i, c=call: c(0) for key, call in down.items()}, bytes=mib << 20)
        os.remove(source)

    # --- search ----------------------------------------------------------------------------------------------------

    def find(self, daemon, count, rounds):
        """The daemon without a sandbox, so that both read the same files through the same file system."""
        if not shutil.which("rg"):
            return note("ripgrep is not installed")
        tree = self.work + "/source"
        source_tree(tree, count)
        socket = self.work + "/find.sock"
        process = subprocess.Popen([daemon, "--listen", "unix:" + socket], stderr=subprocess.DEVNULL)
        try:
            while not os.path.exists(socket):
                time.sleep(0.01)

            def ours(pattern):
                query = urllib.parse.urlencode({"path": tree, "pattern": pattern})
                return subprocess.run(["curl", "-sf", "--unix-socket", socket, "http://x/files/find?" + query], capture_output=True, check=True).stdout

            def theirs(pattern):
                return subprocess.run(["rg", "-uuu", "-n", "--no-heading", "-F", pattern, tree], capture_output=True, check=False).stdout
            for name, pattern in (("find_rare", "needle"), ("find_nothing", "zzqqxx")):
                if ours(pattern).count(b'"line":') != theirs(pattern).count(b"\n"):
                    raise RuntimeError("%s: the two do not find the same" % name)
                self.row(name + "_in_%d_files" % count, rounds, lambda i, p=pattern: ours(p), {"ripgrep": lambda i, p=pattern: theirs(p)})
        finally:
            process.terminate()
            process.wait(10)
