"""kill -9 of every service at random points while sandboxes are made, used and deleted; then the books must balance.

Rules checked after each round, with the server up again and quiet:
  - every acknowledged sandbox is there, in the state that was acknowledged, and runs code with its files kept;
  - nothing that was acknowledged as deleted is there;
  - no sandbox is half-made: each record of the API has a record, a disk and (when started) one init on the runner, and nothing else exists:
    no cgroup, interface, socket, disk, process or mount without a sandbox.
Run:  tests/chaos/run [seconds]   (root; the minimal image is enough)
"""
import json
import os
import random
import signal
import socket
import sys
import threading
import time
import unittest
import urllib.error

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import Instance, read  # noqa: E402

SECONDS = float(os.environ.get("CHAOS_SECONDS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", random.randrange(1 << 30)))
BROKEN = (OSError, urllib.error.URLError, ValueError, TimeoutError)


class Ledger:
    """What the server acknowledged. `doubtful`: an operation was cut off, either outcome is right."""

    def __init__(self):
        self.lock = threading.Lock()
        self.live, self.doubtful, self.gone = {}, set(), set()


class Client(threading.Thread):
    def __init__(self, server, ledger, stop, rng):
        super().__init__(daemon=True)
        self.server, self.ledger, self.stop, self.rng = server, ledger, stop, rng
        self.operations = 0
        self.errors = []

    def run(self):
        while not self.stop.is_set():
            try:
                self.step()
            except BROKEN:
                time.sleep(0.02)

    def step(self):
        with self.ledger.lock:
            mine = [i for i, owner in self.ledger.live.items() if owner["client"] is self and i not in self.ledger.doubtful]
        choice = self.rng.random()
        if len(mine) < 3 and choice < 0.5 or not mine:
            self.create()
        elif choice < 0.75:
            self.use(self.rng.choice(mine))
        elif choice < 0.85:
            self.stop_start(self.rng.choice(mine))
        else:
            self.delete(self.rng.choice(mine))
        self.operations += 1

    def create(self):
        status, body = self.server.call("POST", "/sandbox", {"labels": {"chaos": "1"}}, timeout=40)
        if status == 200:   # if it did not start within the wait, it must end up started
            with self.ledger.lock:
                self.ledger.live[body["id"]] = {"client": self, "state": "started", "mark": None, "unanswered": set()}
        elif status < 500 and status not in (400, 409):
            self.errors.append(("create", status, body))

    def use(self, sandbox):
        """What was answered is on the disk: a later stop or crash must not lose it. A write without an answer may have happened, or
        may still happen after the next one (the request outlives the connection that a kill took away)."""
        mark = str(self.rng.randrange(1 << 30))
        with self.ledger.lock:
            facts = self.ledger.live.get(sandbox)
        if facts is None:
            return
        facts["unanswered"].add(mark)
        status, body = self.server.execute(sandbox, "echo %s > $HOME/mark && cat $HOME/mark" % mark, timeout=20)
        if status == 200 and body["result"].strip() == mark:
            facts["mark"] = mark
            facts["unanswered"].discard(mark)
        elif status == 200 and body["result"].strip() not in facts["unanswered"]:
            self.errors.append(("exec", sandbox, body))

    def settle(self, sandbox, state):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not self.stop.is_set():
            try:
                status, body = self.server.call("GET", "/sandbox/" + sandbox, timeout=10)
                if status == 200 and body["state"] == state:
                    return True
            except BROKEN:
                pass
            time.sleep(0.05)
        return False

    def stop_start(self, sandbox):
        with self.ledger.lock:
            self.ledger.doubtful.add(sandbox)
        status, _ = self.server.call("POST", "/sandbox/%s/stop?force=true" % sandbox, timeout=30)
        if status == 200 and self.settle(sandbox, "stopped"):
            with self.ledger.lock:
                self.ledger.live[sandbox]["state"] = "stopped"
            status, _ = self.server.call("POST", "/sandbox/%s/start" % sandbox, timeout=30)
            if status == 200 and self.settle(sandbox, "started"):
                with self.ledger.lock:
                    self.ledger.live[sandbox]["state"] = "started"
                    self.ledger.doubtful.discard(sandbox)

    def delete(self, sandbox):
        with self.ledger.lock:
            self.ledger.doubtful.add(sandbox)
        status, _ = self.server.call("DELETE", "/sandbox/" + sandbox, timeout=30)
        if status == 200:
            with self.ledger.lock:
                self.ledger.live.pop(sandbox, None)
                self.ledger.gone.add(sandbox)
                self.ledger.doubtful.discard(sandbox)


class Chaos(unittest.TestCase):
    """One victim a test, then all together."""

    @classmethod
    def setUpClass(cls):
        print("chaos seed %d" % SEED)
        cls.server = Instance(os.environ["CHAOS_IMAGE"], "chaos:1", os.environ.get("CHAOS_BUILD"))
        cls.server.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def wreck(self, victims):
        rng = random.Random(SEED)
        ledger, stop = Ledger(), threading.Event()
        clients = [Client(self.server, ledger, stop, random.Random(SEED + i)) for i in range(4)]
        for c in clients:
            c.start()
        end, kills = time.monotonic() + SECONDS, 0
        while time.monotonic() < end:
            time.sleep(rng.uniform(0.1, 1.2))
            kills += len(self.server.kill(rng.choice(victims)))
        stop.set()
        for c in clients:
            c.join(60)
        self.assertGreaterEqual(kills, SECONDS / 6, "too few kills happened for this to mean something")
        self.assertGreater(sum(c.operations for c in clients), 5)
        for c in clients:
            self.assertEqual(c.errors, [])
        self.server.wait_ready()
        self.check_books(ledger)

    def check_books(self, ledger):
        ids = self.quiet()
        missing = [i for i in ledger.live if i not in ledger.doubtful and i not in ids]
        self.assertEqual(missing, [], "acknowledged sandboxes are missing")
        self.assertEqual([i for i in ledger.gone if i in ids], [], "deleted sandboxes are back")
        for sandbox, facts in ledger.live.items():
            if sandbox in ledger.doubtful:
                continue
            self.assertEqual(ids[sandbox], facts["state"], sandbox)
            if facts["state"] == "started":
                status, body = self.server.execute(sandbox, "cat $HOME/mark 2>/dev/null; echo alive")
                self.assertEqual(status, 200, body)
                self.assertIn("alive", body["result"])
                if facts["mark"]:
                    self.assertIn(body["result"].split()[0], {facts["mark"]} | facts["unanswered"], "a file that was acknowledged is lost")
        self.assert_exactly(ids)
        for sandbox in ids:
            self.assertEqual(self.server.call("DELETE", "/sandbox/" + sandbox)[0], 200)
        self.assertEqual(self.quiet(), {})
        self.assert_exactly({})

    def quiet(self):
        """Waits until no sandbox is between states; {id: state}."""
        deadline = time.monotonic() + 60
        while True:
            status, body = self.server.call("GET", "/sandbox?limit=200")
            ids = {s["id"]: s["state"] for s in body["items"]} if status == 200 else {"?": "creating"}
            if all(state in ("started", "stopped", "error") for state in ids.values()):
                self.assertNotIn("error", ids.values(), [s for s in body["items"] if s["state"] == "error"])
                return ids
            self.assertLess(time.monotonic(), deadline, "sandboxes hang between states: %s" % ids)
            time.sleep(0.1)

    def assert_exactly(self, ids):
        """The machine holds what these sandboxes need and nothing else (removals in the background get a moment)."""
        started = sorted(i for i, state in ids.items() if state == "started")
        deadline = time.monotonic() + 20
        while True:
            held = self.server.leftovers()
            records = sorted(r[:-5] for r in held["records"])
            wrong = []
            if records != sorted(ids):
                wrong.append(("records", records, sorted(ids)))
            if sorted(held["disks"]) != sorted(ids):
                wrong.append(("disks", held["disks"], sorted(ids)))
            if sorted(held["cgroups"]) != started:
                wrong.append(("cgroups", held["cgroups"], started))
            if len(held["inits"]) != len(started):
                wrong.append(("inits", held["inits"], started))
            if sorted(s[:-5] for s in held["sockets"]) != started:
                wrong.append(("sockets", held["sockets"], started))
            ready = int(self.server.settings.get("runner.ready_slots", "32"))
            if len(held["links"]) > len(started) + ready + 8:
                wrong.append(("links", len(held["links"]), len(started)))
            if not wrong:
                return
            self.assertLess(time.monotonic(), deadline, json.dumps(wrong, indent=1))
            time.sleep(0.2)

    def ask_runner(self, sandbox, key, upgrade, over_tcp=False):
        """The status line of the runner's answer to a request for a connection (docs/adr/010)."""
        connection = socket.socket(socket.AF_INET if over_tcp else socket.AF_UNIX)
        with connection:
            connection.settimeout(10)
            connection.connect(("127.0.0.1", self.server.runner_port) if over_tcp else self.server.settings["state_dir"] + "/runner.sock")
            more = "Connection: Upgrade\r\nUpgrade: descriptor\r\n" if upgrade else ""
            connection.sendall(("GET /sandboxes/%s/connection HTTP/1.1\r\nHost: r\r\nAuthorization: Bearer %s\r\n%s\r\n"
                                % (sandbox, key, more)).encode())
            return int(connection.recv(4096).split()[1])

    def test_connections_are_handed_over(self):
        """Requests reach a sandbox without the runner, and through the runner when it hands nothing over."""
        sandbox = self.server.call("POST", "/sandbox", {})[1]["id"]
        key = read(self.server.settings["state_dir"] + "/secrets/runner.key").strip()
        self.assertEqual(self.ask_runner(sandbox, key, True), 101)
        self.assertEqual(self.ask_runner(sandbox, "wrong", True), 401)
        self.assertEqual(self.ask_runner(sandbox, key, False), 404)
        self.assertEqual(self.ask_runner(sandbox, key, True, over_tcp=True), 404)
        self.assertEqual(self.ask_runner("00000000-0000-4000-8000-000000000000", key, True), 404)

        self.assertEqual(self.server.execute(sandbox, "echo one")[1]["result"], "one\n")
        runner = self.server.children("runner")[0]
        os.kill(runner, signal.SIGSTOP)
        try:
            self.assertEqual(self.server.execute(sandbox, "echo two", timeout=20)[1]["result"], "two\n")
        finally:
            os.kill(runner, signal.SIGCONT)

        os.unlink(self.server.settings["state_dir"] + "/runner.sock")
        self.assertEqual(self.server.call("POST", "/sandbox/%s/stop" % sandbox)[0], 200)
        self.quiet()
        self.assertEqual(self.server.execute(sandbox, "echo three")[0], 400)
        self.assertEqual(self.server.call("POST", "/sandbox/%s/start" % sandbox)[0], 200)
        self.quiet()
        self.assertEqual(self.server.execute(sandbox, "echo four")[1]["result"], "four\n")
        self.assertEqual(self.server.call("DELETE", "/sandbox/" + sandbox)[0], 200)
        self.server.kill("runner")   # the next one makes its socket anew
        self.server.wait_ready()
        self.assertEqual(self.quiet(), {})
        self.assert_exactly({})

    def test_api(self):
        self.wreck(["api"])

    def test_runner(self):
        self.wreck(["runner"])

    def test_proxy(self):
        self.wreck(["proxy"])

    def test_spawner(self):
        self.wreck(["spawner"])

    def test_everything(self):
        self.wreck(["api", "runner", "proxy", "spawner"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
