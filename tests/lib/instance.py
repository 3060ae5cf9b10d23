#!/usr/bin/env python3
"""A private daytona-server for tests and benches: own state directory, ports, interfaces, cgroup and address range, so that it
runs beside any other instance and leaves nothing behind.

    with Instance(image="…/oci-layout", image_name="daytonaio/sandbox:0.1.0") as server:
        server.api_url, server.api_key, server.proxy_url

From the shell:  tests/lib/instance.py --image DIR [--image-name NAME] [--build build/release] -- COMMAND…
runs COMMAND with DAYTONA_API_URL and DAYTONA_API_KEY set and ends with its exit code. Needs root.
"""
import argparse
import contextlib
import glob
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read().decode(errors="replace")
    except OSError:
        return ""


class Ended(SystemExit):
    """A signal asked us to end: everything is cleaned up on the way out."""


def end_by_signal(number, _frame):
    for further in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(further, signal.SIG_IGN)   # a second one must not interrupt the cleaning
    raise Ended(128 + number)


def clean_up_at_signals():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end_by_signal)


def run_until_ended(command, env):
    process = subprocess.Popen(command, env=env)
    try:
        return process.wait()
    except Ended:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        raise


class Instance:
    def __init__(self, image, image_name="daytonaio/sandbox:0.1.0", build=None, settings=None, keep_log=None):
        self.build = build or os.path.join(ROOT, "build", "release")
        self.binary = os.path.join(self.build, "apps/server/daytona-server")
        self.image, self.image_name = image, image_name
        number = random.randrange(10, 250)
        self.name = "t%s" % "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=4))
        self.cgroup = "daytona-test-" + self.name
        # Short: the path of a Unix socket below it has at most 107 characters.
        self.dir = tempfile.mkdtemp(prefix="dt-%s-" % self.name, dir=os.environ.get("DT_TEST_DIR", "/var/tmp"))
        self.log_path = keep_log or os.path.join(self.dir, "server.log")
        self.api_port, self.proxy_port, self.runner_port = free_port(), free_port(), free_port()
        self.api_url = "http://localhost:%d/api" % self.api_port
        self.proxy_url = "http://localhost:%d" % self.proxy_port
        self.api_key = "dtn_" + "".join(random.choices("0123456789abcdef", k=64))
        self.settings = {
            "state_dir": self.dir + "/s",
            "api.listen": "127.0.0.1:%d" % self.api_port,
            "api.internal": "127.0.0.1:%d" % self.api_port,
            "api.public_url": "http://localhost:%d" % self.api_port,
            "api.admin_key": self.api_key,
            "proxy.listen": "127.0.0.1:%d" % self.proxy_port,
            "proxy.public_url": self.proxy_url,
            "proxy.preview_url": "http://{{PORT}}-{{sandboxId}}.localhost:%d" % self.proxy_port,
            "runner.listen": "127.0.0.1:%d" % self.runner_port,
            "runner.instance": self.name,
            "runner.subnet": "10.%d.%d.0/20" % (number, random.randrange(0, 15) * 16),
            "runner.cgroup": self.cgroup,
            "runner.pool_size_gib": "24",
            # DT_TEST_DAEMON: another build's daemon beside this build's server.
            "runner.daemon": os.environ.get("DT_TEST_DAEMON") or os.path.join(self.build, "apps/daemon/stripped/daytona-daemon"),
            "snapshot.name": image_name,
            "log.requests": "false",
        }
        self.settings.update(settings or {})
        self.process = None

    def command(self, *words):
        # Never the machine's own settings: an empty file instead of /etc/daytona/daytona.toml.
        config = self.dir + "/daytona.toml"
        if not os.path.exists(config):
            open(config, "wb").close()
        out = [self.binary, *words, "--config", config]
        for key, value in self.settings.items():
            out += ["--set", "%s=%s" % (key, value)]
        return out

    def import_image(self):
        subprocess.run(self.command("image", "import", "oci:" + self.image, self.image_name), check=True,
                       stdout=subprocess.DEVNULL, stderr=open(self.log_path, "ab"), timeout=600)

    def start(self):
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(self.command("up"), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        self.wait_ready()

    def wait_ready(self, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process and self.process.poll() is not None:
                break
            with contextlib.suppress(OSError, ValueError, urllib.error.URLError):
                ready = self.call("GET", "/health/ready")[0] == 200
                runner = self.runner_ready()
                with urllib.request.urlopen(self.proxy_url + "/health", timeout=2) as r:
                    if ready and runner and r.status == 200:
                        return
            time.sleep(0.05)
        raise RuntimeError("the server did not become ready; last lines of %s:\n%s" % (self.log_path, self.tail()))

    def runner_ready(self):
        # The runner is ready when its HTTP server answers: it listens only after recovery.
        with urllib.request.urlopen("http://127.0.0.1:%d/health" % self.runner_port, timeout=2) as r:
            return r.status == 200

    def tail(self, lines=40):
        return "\n".join(read(self.log_path).splitlines()[-lines:])

    def call(self, method, path, body=None, url=None, timeout=60, key=None):
        """(status, decoded JSON or text)"""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request((url or self.api_url) + path, data=data, method=method)
        request.add_header("Authorization", "Bearer " + (key or self.api_key))
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=timeout) as r:
                status, text = r.status, r.read().decode(errors="replace")
        except urllib.error.HTTPError as e:
            status, text = e.code, e.read().decode(errors="replace")
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def toolbox(self, sandbox_id, method, path, body=None, timeout=60):
        return self.call(method, "/toolbox/%s%s" % (sandbox_id, path), body, url=self.proxy_url, timeout=timeout)

    def execute(self, sandbox_id, command, timeout=60):
        return self.toolbox(sandbox_id, "POST", "/process/execute", {"command": command}, timeout)

    # --- processes of this instance, for chaos ------------------------------------------------------------------------

    def children(self, service):
        """Pids of one service: api, runner, proxy or spawner."""
        out = []
        for stat in glob.glob("/proc/[0-9]*/cmdline"):
            words = read(stat).split("\0")
            pid = int(stat.split("/")[2])
            if len(words) < 2 or not words[0].endswith("daytona-server") or words[1] != service:
                continue
            if service == "spawner":
                if self.parent(pid) in self.children("runner"):
                    out.append(pid)
            elif self.parent(pid) == self.process.pid:
                out.append(pid)
        return out

    @staticmethod
    def parent(pid):
        fields = read("/proc/%d/stat" % pid).rsplit(")", 1)
        return int(fields[1].split()[1]) if len(fields) == 2 else 0

    def kill(self, service):
        pids = self.children(service)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return pids

    # --- the books ------------------------------------------------------------------------------------------------------

    def leftovers(self):
        """What this instance still holds on the machine: control groups, interfaces, mounts, disks."""
        groups = [g for base in ("/sys/fs/cgroup", "/sys/fs/cgroup/*") for g in glob.glob("%s/%s" % (base, self.cgroup))]
        cgroups = [c for group in groups for c in glob.glob(group + "/*/")]
        ids = sorted({os.path.basename(c.rstrip("/")) for c in cgroups if os.path.isdir(c)})
        links = [i for i in os.listdir("/sys/class/net") if i.startswith(self.name + "-")]
        mounts = [line.split()[4] for line in read("/proc/self/mountinfo").splitlines() if self.dir in line]
        disks = []
        for path in glob.glob(self.dir + "/s/pool/disks/*") + glob.glob(self.dir + "/s/pool/*/disks/*"):
            disks.append(os.path.basename(path))
        inits = [p.split("/")[2] for p in glob.glob("/proc/[0-9]*/environ")
                 if read(p.replace("environ", "comm")).strip() == "daytona-daemon" and self.cgroup in read(p.replace("environ", "cgroup"))
                 and ") Z " not in read(p.replace("environ", "stat"))]
        return {"cgroups": ids, "groups": groups, "links": links, "mounts": mounts, "disks": disks, "inits": inits,
                "records": [os.path.basename(p) for p in glob.glob(self.dir + "/s/runner/sandboxes/*.json")],
                "sockets": [os.path.basename(p) for p in glob.glob(self.dir + "/s/runner/run/*.sock")]}

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def down(self):
        """Ends what outlives the server. Fails when something stays."""
        self.stop()
        with open(self.log_path, "ab") as log:
            done = subprocess.run(self.command("down"), stdout=log, stderr=log, timeout=300, check=False)
        for _ in range(50):   # network namespaces of dead sandboxes go in the background
            held = self.leftovers()
            held = {k: held[k] for k in ("groups", "links", "mounts", "inits") if held[k]}
            if not held:
                break
            time.sleep(0.1)
        if done.returncode != 0 or held:
            raise RuntimeError("down left something behind: %s\n%s" % (held, self.tail()))

    def __enter__(self):
        try:
            self.import_image()
            self.start()
        except BaseException:
            print(self.tail(), file=sys.stderr)
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.down()
        finally:
            failed = kind is not None and not issubclass(kind, Ended)
            if not failed and not os.environ.get("DT_KEEP"):
                shutil.rmtree(self.dir, ignore_errors=True)
            elif failed:
                print("the state is kept in " + self.dir, file=sys.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--image", required=True)
    parser.add_argument("--image-name", default="daytonaio/sandbox:0.1.0")
    parser.add_argument("--build")
    parser.add_argument("--log")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    settings = dict(pair.split("=", 1) for pair in options.set)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    clean_up_at_signals()
    with Instance(options.image, options.image_name, options.build, settings, options.log) as server:
        env = dict(os.environ, DAYTONA_API_URL=server.api_url, DAYTONA_API_KEY=server.api_key, DT_PROXY_URL=server.proxy_url,
                   DT_STATE_DIR=server.settings["state_dir"])
        return run_until_ended(command, env)


if __name__ == "__main__":
    sys.exit(main())
