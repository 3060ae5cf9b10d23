"""A real daemon, git servers beside it, and Debian's git to compare with. The daemon's path comes from $DT_GIT_DAEMON."""

import contextlib
import glob
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from urllib.parse import urlencode

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DAEMON = os.environ.get("DT_GIT_DAEMON") or os.path.join(ROOT, "build/release/apps/daemon/stripped/daytona-daemon")
# Programs built with sanitizers are slow and keep freed memory.
SANITIZED = os.environ.get("DT_GIT_SANITIZED") == "1"
TIMEOUT = 900 if SANITIZED else 400   # what hangs; machines are slow
PROGRAM = "memfd:daytona-git"

USER, PASSWORD = "tester", "p%ss w:rd/ü-9f3a"   # what must be escaped somewhere is in it
AUTHOR = {"author": "Ada Lovelace", "email": "ada@example.com"}

# Nothing of the machine's own git settings decides what the program that we compare with does.
PLAIN = {
    "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
    "GIT_AUTHOR_NAME": "Grace Hopper", "GIT_AUTHOR_EMAIL": "grace@example.com", "GIT_COMMITTER_NAME": "Grace Hopper",
    "GIT_COMMITTER_EMAIL": "grace@example.com", "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "init.defaultBranch",
    "GIT_CONFIG_VALUE_0": "main", "GIT_CONFIG_KEY_1": "safe.directory", "GIT_CONFIG_VALUE_1": "*", "HOME": "/nonexistent",
}


def wait_for(what, seconds=20):
    """Until `what` gives something true, which is returned."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = what()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"did not happen within {seconds} s")


def git(where, *words, input=None, check=True, text=True, env=None):
    """Runs the real git program in `where`; its output."""
    done = subprocess.run(["git", *words], cwd=where, env={**PLAIN, **(env or {})}, input=input, capture_output=True, text=text, check=False,
                          timeout=TIMEOUT)
    if check and done.returncode != 0:
        raise AssertionError(f"git {words} in {where}: {done.stdout!r} {done.stderr!r}")
    return done.stdout if check else done


def write(path, content=b""):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def read(path):
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "surrogateescape")


def commit_all(where, message="a change"):
    git(where, "add", "-A")
    git(where, "commit", "-q", "--allow-empty", "-m", message)
    return git(where, "rev-parse", "HEAD").strip()


def sample(where):
    """A repository with two branches, a tag and three commits: the root of most tests. Returns its commits, oldest first."""
    git(None, "init", "-q", where)
    write(where + "/README.md", "hello\n")
    write(where + "/src/one.txt", "1\n")
    first = commit_all(where, "first\n\nwith a body")
    write(where + "/src/one.txt", "1\n2\n")
    second = commit_all(where, "second")
    git(where, "tag", "v1")
    git(where, "checkout", "-q", "-b", "feature/x")
    write(where + "/feature.txt", "new\n")
    third = commit_all(where, "on the branch")
    git(where, "checkout", "-q", "main")
    return first, second, third


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=TIMEOUT)
        self.unix = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self.unix)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.text = body.decode()   # not UTF-8: the test fails here
        self.json = json.loads(body) if body else None

    def __repr__(self):
        return f"{self.status} {self.text[:600]}"


class Daemon:
    """`prefix`: words before the program, to start it elsewhere; `inside`: where `directory` is its root; `variables`: beside HOME and PATH."""

    def __init__(self, variables=None, prefix=(), program=DAEMON, directory=None, inside=False):
        self.dir = directory or tempfile.mkdtemp(prefix="git-test-")
        self.home = os.path.join(self.dir, "home")
        os.makedirs(self.home, exist_ok=True)
        self.socket = os.path.join(self.dir, "daemon.sock")
        environment = {"HOME": "/home" if inside else self.home, "PATH": os.environ["PATH"], "LOG_LEVEL": "debug", **(variables or {})}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        self.log = open(os.path.join(self.dir, "log"), "wb")
        listen = "/daemon.sock" if inside else self.socket
        self.process = subprocess.Popen([*prefix, program, "--listen", "unix:" + listen], cwd=self.home, env=environment,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        wait_for(self.answers, TIMEOUT)

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(self.text_of_log())
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.socket) == 0

    def call(self, method, path, body=None):
        connection = UnixConnection(self.socket)
        try:
            data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": "application/json"} if data is not None else {})
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def post(self, operation, /, **body):
        return self.call("POST", "/git/" + operation, body)

    def get(self, operation, /, **query):
        return self.call("GET", f"/git/{operation}?{urlencode(query)}")

    def text_of_log(self):
        return read(self.log.name)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
            self.log.close()
            text = self.text_of_log()
            shutil.rmtree(self.dir, ignore_errors=True)
        if re.search(r"ERROR: (Address|Leak)Sanitizer|runtime error:", text):
            raise AssertionError(text)


class GitServer:
    """tests/git/server.py as a process; `prefix` starts it elsewhere."""

    def __init__(self, root, prefix=(), **options):
        self.root = root
        self.log = tempfile.mktemp(prefix="requests-", dir=os.path.dirname(root))
        words = ["--root", root, "--user", USER, "--password", PASSWORD, "--log", self.log]
        for name, value in options.items():
            words += ["--" + name, *(value if isinstance(value, (list, tuple)) else [str(value)])]
        self.process = subprocess.Popen([*prefix, sys.executable, os.path.join(HERE, "server.py"), *words], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.scheme = "https" if "tls" in options else "http"

    def url(self, repository, area="private", host="127.0.0.1", user=""):
        return f"{self.scheme}://{user}{host}:{self.port}/{area}/{repository}"

    def requests(self):
        if not os.path.exists(self.log):
            return []
        return [json.loads(line) for line in read(self.log).splitlines()]

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=20)


def certificate(directory, expired=False):
    """A self-signed certificate for 127.0.0.1, localhost and git.test: (certificate, key)."""
    paths = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
    write(directory + "/ca.conf", f"""[ca]\ndefault_ca=it\n[it]\ndatabase={directory}/index\nnew_certs_dir={directory}\nrand_serial=yes
default_md=sha256\npolicy=any\nx509_extensions=ext\n[any]\ncommonName=supplied\n[ext]\nbasicConstraints=critical,CA:true
subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:git.test\n""")
    write(directory + "/index")

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=git.test", "-keyout", paths[1], "-out", directory + "/request.pem")
    openssl("ca", "-batch", "-notext", "-config", directory + "/ca.conf", "-selfsign", "-keyfile", paths[1], "-in", directory + "/request.pem", "-out", paths[0],
            "-startdate", "20200101000000Z", "-enddate", "20200102000000Z" if expired else "20491231000000Z")
    return paths


def programs_of(pid):
    """Processes of the git companion started by this daemon."""
    out = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = read(path)
            number = int(text.split(" ", 1)[0])
            if int(text.rsplit(")", 1)[1].split()[1]) == pid and PROGRAM in os.readlink(f"/proc/{number}/exe"):
                out.append(number)
    return out


class GitTest(unittest.TestCase):
    """One daemon and one server with a bare repository `sample.git` for the cases of a class."""

    maxDiff = 4000
    variables = {}

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(cls.variables)
        cls.addClassCleanup(cls.daemon.stop)
        cls.served = os.path.join(cls.daemon.dir, "served")
        os.mkdir(cls.served)
        cls.server = GitServer(cls.served)
        cls.addClassCleanup(cls.server.stop)
        cls.first, cls.second, cls.third = sample(cls.daemon.dir + "/sample")
        cls.serve(cls.daemon.dir + "/sample", "sample.git")

    @classmethod
    def serve(cls, source, name):
        """A bare copy of a repository on the servers."""
        git(None, "clone", "-q", "--bare", source, os.path.join(cls.served, name))
        git(os.path.join(cls.served, name), "config", "http.receivepack", "true")

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="case-", dir=self.daemon.home)
        self.name = os.path.basename(self.dir)

    # --- calls ------------------------------------------------------------------------------------------------------

    def good(self, reply, status=200):
        self.assertEqual(reply.status, status, reply)
        return reply.json

    def bad(self, reply, status, code, message=""):
        """An error of shape A (contract 4.2) with its source."""
        self.assertEqual(reply.status, status, reply)
        self.assertTrue(reply.headers["Content-Type"].startswith("application/json"), reply.headers)
        self.assertEqual(reply.json["statusCode"], status)
        self.assertRegex(reply.json["code"], f"^({code})$", reply)
        self.assertEqual(reply.json["source"], "DAYTONA_DAEMON")
        self.assertTrue(reply.json["path"].startswith("/git/"), reply)
        self.assertRegex(reply.json["message"].lower(), message.lower() or ".")
        self.assertNotIn(PASSWORD, reply.text)
        return reply.json

    def own(self, name="sample.git"):
        """A repository of this case alone on the server, so that it can be pushed to."""
        mine = f"{self.name}-{name}"
        self.serve(os.path.join(self.served, name), mine)
        return mine

    def clone(self, url, path=None, status=200, **more):
        path = path or os.path.join(self.dir, "clone")
        self.good(self.daemon.post("clone", url=url, path=path, **more), status)
        return path

    def repository(self):
        """A clone by the real git, for what is not about cloning."""
        path = os.path.join(self.dir, "repository")
        git(None, "clone", "-q", self.daemon.dir + "/sample", path)
        return path

    def status(self, path):
        return self.good(self.daemon.get("status", path=path))

    def files(self, path):
        """{name: (staging, worktree)} by our status."""
        out = {}
        for entry in self.status(path)["fileStatus"]:
            self.assertEqual(entry["extra"], "")
            self.assertNotIn(entry["name"], out)
            out[entry["name"]] = (entry["staging"], entry["worktree"])
        return out

    def sound(self, path):
        """The real git finds nothing wrong with what we made."""
        done = git(path, "fsck", "--strict", "--full", "--no-dangling", check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def head(self, path, revision="HEAD"):
        return git(path, "rev-parse", revision).strip()


LETTERS = {"M": "Modified", "A": "Added", "D": "Deleted", " ": "Unmodified", "T": "Modified"}


def porcelain(path):
    """What `git status --porcelain` says, in the words of the contract 17.3; names as bytes."""
    out = {}
    for record in git(path, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", text=False).split(b"\0"):
        if record:
            letters, name = record[:2].decode(), record[3:]
            out[name] = ("Untracked", "Untracked") if letters == "??" else (LETTERS[letters[0]], LETTERS[letters[1]])
    return out


def end(process):
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
