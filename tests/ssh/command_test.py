"""Shells and commands: contract toolbox.md 23.1."""

import fcntl
import hashlib
import os
import pty
import random
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time
import unittest

from harness import HERE, SANITIZED, TIMEOUT, SshTest, children_of, programs_below, status_of, wait_for


class Terminal:
    """An ssh with a terminal of its own in front of it."""

    def __init__(self, command, size=(30, 100)):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)
        self.resize(*size)
        self.text = ""

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        os.write(self.fd, text.encode())

    def read_until(self, pattern):
        end = time.monotonic() + TIMEOUT
        while not (found := re.search(pattern, self.text)):
            if time.monotonic() > end:
                raise AssertionError(f"no {pattern} in {self.text!r}")
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    self.text += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    raise AssertionError(f"ended without {pattern}: {self.text!r}") from None
        self.text = self.text[found.end() :]
        return found

    def end(self):
        try:
            while os.read(self.fd, 65536):
                pass
        except OSError:
            pass
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


class Commands(SshTest):
    def test_streams_are_separate_and_the_status_is_real(self):
        done = self.run_ssh("box", "echo out; echo err >&2; exit 7", check=7)
        self.assertEqual((done.stdout, done.stderr), (b"out\n", b"err\n"))

    def test_everything_printed_arrives(self):
        done = self.run_ssh("box", "seq 200000; seq 200000 >&2", check=0)
        wanted = "".join(f"{i}\n" for i in range(1, 200001)).encode()
        self.assertEqual(done.stdout, wanted)
        self.assertEqual(done.stderr, wanted)

    def test_works_in_the_work_dir_with_the_sandbox_environment(self):
        self.assertEqual(self.output("box", "pwd; echo $HOME $INHERITED"),
                         f"{self.daemon.home}\n{self.daemon.home} yes\n")

    def test_variables_of_the_client_are_applied(self):
        out = self.output("-o", "SetEnv=ONE=a INHERITED=mine", "box", "echo $ONE $INHERITED")
        self.assertEqual(out, "a mine\n")

    def test_input_ends_for_the_command_when_it_ends_for_the_client(self):
        data = random.Random(1).randbytes(3_000_000)
        done = self.run_ssh("box", "sha256sum; echo late >&2; exit 3", input=data, check=3)
        self.assertTrue(done.stdout.startswith(hashlib.sha256(data).hexdigest().encode()))
        self.assertEqual(done.stderr, b"late\n")

    def test_bytes_come_back_unchanged(self):
        data = random.Random(2).randbytes(5_000_000)
        self.assertEqual(self.run_ssh("box", "cat", input=data, check=0).stdout, data)

    def test_a_command_that_does_not_read_its_input_ends(self):
        self.run_ssh("box", "exit 5", input=bytes(4_000_000), check=5)

    def test_shell_without_terminal_reads_its_input(self):
        done = self.run_ssh("-T", "box", input=b"echo one\nexec 2>&1\nnosuchprogram\nexit 6\n", check=6)
        self.assertIn(b"one\n", done.stdout)
        self.assertIn(b"not found", done.stdout)

    def test_status_of_a_command_that_a_signal_ended(self):
        self.run_ssh("box", "kill -TERM $$", check=1)

    def test_nothing_is_left_behind(self):
        self.run_ssh("box", "true", check=0)
        self.no_programs_left()
        wait_for(lambda: not children_of(self.daemon.process.pid))

    def test_keys_again_and_again(self):
        data = random.Random(3).randbytes(20_000_000)
        done = self.run_ssh("-o", "RekeyLimit=1M", "box", "cat", input=data, check=0)
        self.assertEqual(hashlib.sha256(done.stdout).digest(), hashlib.sha256(data).digest())

    def test_every_cipher_and_key_exchange_of_ours(self):
        for option in ("Ciphers=chacha20-poly1305@openssh.com", "Ciphers=aes256-gcm@openssh.com",
                       "Ciphers=aes128-gcm@openssh.com", "Ciphers=aes256-ctr", "Ciphers=aes128-ctr",
                       "KexAlgorithms=curve25519-sha256", "KexAlgorithms=ecdh-sha2-nistp256",
                       "KexAlgorithms=ecdh-sha2-nistp521", "KexAlgorithms=diffie-hellman-group16-sha512"):
            self.assertEqual(self.output("-o", option, "box", "echo good"), "good\n", option)

    def test_weak_algorithms_are_refused(self):
        for option in ("Ciphers=aes128-cbc", "KexAlgorithms=diffie-hellman-group14-sha1", "MACs=hmac-sha1",
                       "HostKeyAlgorithms=ssh-rsa"):
            words = ["-o", option] + (["-o", "Ciphers=aes128-ctr"] if option.startswith("MAC") else [])
            self.run_ssh(*words, "box", "echo bad", check=255)

    def test_host_key_stays_the_same(self):
        self.output("-o", "StrictHostKeyChecking=accept-new", "stable", "true")
        self.output("-o", "StrictHostKeyChecking=yes", "stable", "true")

    def test_x11_is_refused_and_the_session_goes_on(self):
        done = self.run_ssh("-X", "-v", "box", "echo ${DISPLAY:-none}", environment={"DISPLAY": ":9"}, check=0)
        self.assertEqual(done.stdout, b"none\n")

    def test_keys_and_passwords_are_as_good_as_nothing(self):
        key = self.path("key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.assertEqual(self.output("-i", key, "-l", "whoever", "box", "echo in"), "in\n")

    def test_signals_reach_the_command(self):
        probe = os.environ.get("DT_SSH_PROBE")
        if not probe:
            self.skipTest("DT_SSH_PROBE, built by CMake, is not given")
        for name in ("TERM", "INT", "USR1", "HUP"):
            script = f"trap 'echo got {name}; exit 9' {name}; echo ready; while :; do sleep 0.1; done"
            done = subprocess.run([probe, self.daemon.socket, name, script], capture_output=True, timeout=TIMEOUT, check=False)
            self.assertEqual(done.stdout.decode(), f"ready\ngot {name}\nstatus 9 signal \n", done.stderr)
        done = subprocess.run([probe, self.daemon.socket, "KILL", "echo ready; exec sleep 100"], capture_output=True,
                              timeout=TIMEOUT, check=False)
        self.assertEqual(done.stdout.decode(), "ready\nstatus 1 signal KILL\n", done.stderr)


class Terminals(SshTest):
    def test_command_gets_the_terminal_that_was_asked_for(self):
        out = self.output("-tt", "box", "test -t 0 && test -t 1 && test -t 2 && tty && echo $TERM $SSH_TTY",
                          environment={"TERM": "vt220"})
        tty, rest = out.split("\r\n", 1)
        self.assertEqual(rest, f"vt220 {tty}\r\n")

    def test_exit_status_of_a_command_on_a_terminal(self):
        self.run_ssh("-tt", "box", "exit 11", check=11)

    def test_shell_follows_the_window_and_tells_its_status(self):
        terminal = Terminal(self.command("box"), (30, 100))
        terminal.send("PS1=; stty -echo; echo ready\n")
        terminal.read_until(r"ready\r\n")
        terminal.send("stty size; echo $0\n")
        terminal.read_until(r"30 100\r\n")
        terminal.read_until(r"(zsh|bash|sh)\r\n")
        terminal.resize(41, 133)
        os.kill(terminal.pid, signal.SIGWINCH)
        terminal.send("sleep 0.5; stty size\n")
        terminal.read_until(r"41 133\r\n")
        terminal.send("exit 23\n")
        self.assertEqual(terminal.end(), 23)

    def test_interrupt_key_reaches_the_foreground_program(self):
        terminal = Terminal(self.command("-t", "box", "trap 'echo interrupted; exit 4' INT; echo ready; while :; do sleep 0.1; done"))
        terminal.read_until("ready")
        terminal.send("\x03")
        terminal.read_until("interrupted")
        self.assertEqual(terminal.end(), 4)

    def test_closing_the_client_hangs_the_shell_up(self):
        terminal = Terminal(self.command("box"))
        terminal.send("PS1=; stty -echo; echo pid=$$\n")
        shell = int(terminal.read_until(r"pid=(\d+)").group(1))
        os.kill(terminal.pid, signal.SIGKILL)
        terminal.end()
        wait_for(lambda: not os.path.exists(f"/proc/{shell}"))
        self.no_programs_left()


class Connections(SshTest):
    def test_a_client_that_vanishes_takes_its_command_along(self):
        with self.background("box", "echo $$; exec sleep 1000") as client:
            pid = int(client.stdout.readline())
            client.kill()
            wait_for(lambda: not os.path.exists(f"/proc/{pid}"))
        self.no_programs_left()

    def test_a_program_that_ignores_hangups_goes_on(self):
        with self.background("box", "trap '' HUP; echo $$; exec sleep 1000 >/dev/null 2>&1") as client:
            pid = int(client.stdout.readline())
            client.kill()
            self.no_programs_left()
        os.kill(pid, signal.SIGKILL)  # fails when it is gone

    def test_a_client_that_vanishes_in_the_middle_of_output(self):
        with self.background("box", "echo $$; exec cat /dev/zero") as client:
            pid = int(client.stdout.readline())
            client.stdout.read(1_000_000)
            client.kill()
            wait_for(lambda: not os.path.exists(f"/proc/{pid}"))
        self.no_programs_left()

    def test_output_that_nobody_reads_is_not_kept(self):
        with self.background("box", "exec cat /dev/zero") as client:
            client.stdout.read(10_000_000)
            time.sleep(2)
            for pid in programs_below(self.daemon.process.pid):
                used = int(status_of(pid)["RssAnon"].split()[0])
                self.assertLess(used, 400_000 if SANITIZED else 12_000)

    def test_many_at_the_same_time(self):
        count = 10 if SANITIZED else 50
        clients = [subprocess.Popen(self.command("box", f"sleep 0.5; seq {i} {i + 1000}; exit {i}"), stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE) for i in range(count)]
        for i, client in enumerate(clients):
            out, err = client.communicate(timeout=TIMEOUT * 2)
            self.assertEqual(client.returncode, i, err)
            self.assertEqual(out, "".join(f"{n}\n" for n in range(i, i + 1001)).encode())
        self.no_programs_left()

    def test_channels_share_one_connection(self):
        control = self.path("control")
        with self.background("-M", "-N", "-S", control, "box"):
            wait_for(lambda: os.path.exists(control))
            self.assertEqual(len(programs_below(self.daemon.process.pid)), 1)
            slow = subprocess.Popen(self.command("-S", control, "box", "sleep 1; echo slow; exit 2"), stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE)
            flood = subprocess.Popen(self.command("-S", control, "box", "head -c 50000000 /dev/zero"),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)  # not read for now
            for i in range(10):
                self.assertEqual(self.output("-S", control, "box", f"echo {i}"), f"{i}\n")
            self.assertEqual(slow.communicate(timeout=TIMEOUT)[0], b"slow\n")
            self.assertEqual(slow.returncode, 2)
            self.assertEqual(len(flood.communicate(timeout=TIMEOUT)[0]), 50000000)
            subprocess.run(self.command("-S", control, "-O", "exit", "box"), capture_output=True, check=True)
        self.no_programs_left()

    def exchange(self, request):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(TIMEOUT)
        connection.connect(self.daemon.socket)
        connection.sendall(request)
        return connection

    def test_a_request_without_upgrade_is_refused(self):
        with self.exchange(b"GET /ssh HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") as connection:
            self.assertTrue(connection.recv(65536).startswith(b"HTTP/1.1 400 "))

    def test_bytes_that_come_with_the_request_are_not_lost(self):
        request = b"GET /ssh HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ssh\r\n\r\n"
        with self.exchange(request + b"SSH-2.0-early\r\n") as connection:
            got = b""
            # Our list of algorithms comes when the client's greeting was read.
            while b"curve25519-sha256" not in got:
                piece = connection.recv(65536)
                self.assertTrue(piece, got)
                got += piece
        self.assertIn(b"SSH-2.0-", got)
        self.no_programs_left()

    def test_nonsense_ends_the_connection_and_nothing_else(self):
        request = b"GET /ssh HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ssh\r\n\r\n"
        for text in (b"\0" * 5000, b"SSH-2.0-x\r\n" + random.Random(4).randbytes(5000), b"GET / HTTP/1.1\r\n\r\n" * 200):
            with self.exchange(request) as connection:
                try:
                    connection.sendall(text)
                    while connection.recv(65536):
                        pass
                except ConnectionResetError:
                    pass
        self.no_programs_left()
        self.assertEqual(self.output("box", "echo well"), "well\n")

    def test_the_daemon_itself_stays_small(self):
        before = int(status_of(self.daemon.process.pid)["RssAnon"].split()[0])
        for _ in range(20):
            self.output("box", "true")
        after = int(status_of(self.daemon.process.pid)["RssAnon"].split()[0])
        if not SANITIZED:
            self.assertLess(after, before + 300)


class Stopping(SshTest):
    def test_sessions_end_with_the_daemon_at_once(self):
        with self.background("box", "echo $$; exec sleep 1000") as client:
            pid = int(client.stdout.readline())
            start = time.monotonic()
            self.daemon.process.terminate()
            self.daemon.process.wait(TIMEOUT)
            self.assertLess(time.monotonic() - start, 3 * (5 if SANITIZED else 1))
            client.wait(TIMEOUT)
            wait_for(lambda: not os.path.exists(f"/proc/{pid}"))


if __name__ == "__main__":
    unittest.main()
