"""A real daemon and Debian's OpenSSH client against it. The daemon's path comes from $DT_SSH_DAEMON."""

import contextlib
import glob
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

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DAEMON = os.environ.get("DT_SSH_DAEMON") or os.path.join(ROOT, "build/release/apps/daemon/stripped/daytona-daemon")
# Programs built with sanitizers are slow and keep freed memory.
SANITIZED = os.environ.get("DT_SSH_SANITIZED") == "1"
TIMEOUT = 300 if SANITIZED else 60
PROGRAM = "memfd:daytona-ssh"

CONFIG = """Host *
  ProxyCommand {python} {helper} unix:{socket}
  StrictHostKeyChecking accept-new
  UserKnownHostsFile {dir}/known_hosts
  GlobalKnownHostsFile /dev/null
  IdentityFile /nonexistent
  IdentityAgent none
  LogLevel ERROR
  User daytona
"""


def wait_for(what, seconds=20):
    """Until `what` gives something true, which is returned."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = what()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"did not happen within {seconds} s")


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def children_of(pid):
    out = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
            if int(text.rsplit(")", 1)[1].split()[1]) == pid:
                out.append(int(text.split(" ", 1)[0]))
    return out


def programs_below(pid):
    """Processes of daytona-ssh started by this daemon, and those that they started for sftp."""
    out, todo = [], [pid]
    while todo:
        for child in children_of(todo.pop()):
            todo.append(child)
            with contextlib.suppress(OSError):
                if PROGRAM in os.readlink(f"/proc/{child}/exe"):
                    out.append(child)
    return out


class Daemon:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="ssh-test-")
        self.home = os.path.join(self.dir, "home")
        os.mkdir(self.home)
        open(os.path.join(self.home, ".zshrc"), "w", encoding="utf-8").close()  # no questions of a first start
        self.socket = os.path.join(self.dir, "daemon.sock")
        environment = {"HOME": self.home, "PATH": os.environ["PATH"], "LOG_LEVEL": "info", "INHERITED": "yes"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        self.log = open(os.path.join(self.dir, "log"), "wb")
        self.process = subprocess.Popen([DAEMON, "--listen", "unix:" + self.socket], cwd=self.home, env=environment,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.config = os.path.join(self.dir, "config")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(python=sys.executable, helper=os.path.join(HERE, "upgrade.py"),
                                     socket=self.socket, dir=self.dir))
        wait_for(lambda: os.path.exists(self.socket))

    def text_of_log(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.log.close()
            text = self.text_of_log()
            shutil.rmtree(self.dir, ignore_errors=True)
        if re.search(r"ERROR: (Address|Leak)Sanitizer|runtime error:", text):
            raise AssertionError(text)


class SshTest(unittest.TestCase):
    """One daemon for the cases of a class."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="case-", dir=self.daemon.dir)

    def command(self, *words, program="ssh"):
        return [program, "-F", self.daemon.config, *words]

    def run_ssh(self, *words, program="ssh", input=b"", check=None, environment=None, timeout=TIMEOUT):
        """`check`: the wanted exit status; None: whatever it is."""
        done = subprocess.run(self.command(*words, program=program), input=input, capture_output=True, check=False,
                              timeout=timeout, env={**os.environ, **(environment or {})})
        if check is not None:
            self.assertEqual(done.returncode, check, f"{words}: {done.stdout[-2000:]!r} {done.stderr[-2000:]!r}")
        return done

    def output(self, *words, **more):
        return self.run_ssh(*words, check=0, **more).stdout.decode()

    def path(self, name):
        return os.path.join(self.dir, name)

    @contextlib.contextmanager
    def background(self, *words, stdin=subprocess.DEVNULL):
        process = subprocess.Popen(self.command(*words), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            yield process
        finally:
            # Again and again: this client forgets a signal that comes just before it starts to wait.
            while process.poll() is None:
                process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.5)
            process.communicate(timeout=TIMEOUT)

    def no_programs_left(self):
        wait_for(lambda: not programs_below(self.daemon.process.pid), TIMEOUT)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class EchoServer:
    """Answers every connection with a prefix and what it got, after its end."""

    def __init__(self, unix=None):
        self.listener = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        self.listener.bind(unix or ("127.0.0.1", 0))
        self.listener.listen(64)
        self.address = self.listener.getsockname()
        self.pid = os.fork()
        if self.pid == 0:
            self.serve()

    def serve(self):
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            connection, _ = self.listener.accept()
            if os.fork():
                connection.close()
                continue
            got = b""
            while piece := connection.recv(65536):
                got += piece
            connection.sendall(b"echo:" + got)
            os._exit(0)

    def stop(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.listener.close()


def talk(address, message, family=socket.AF_INET, before=None):
    """Sends, ends its half, reads until the end."""
    with socket.socket(family) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect(address)
        if before:
            before(connection)
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
        got = b""
        while piece := connection.recv(65536):
            got += piece
        return got


def listening(address, family=socket.AF_INET):
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0
