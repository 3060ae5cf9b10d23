"""Forwarding of ports, sockets and the agent, both ways."""

import contextlib
import os
import random
import re
import socket
import struct
import subprocess
import unittest

from harness import TIMEOUT, EchoServer, SshTest, free_port, listening, talk, wait_for

DATA = random.Random(5).randbytes(3_000_000)


class Forwarding(SshTest):
    def setUp(self):
        super().setUp()
        self.echo = EchoServer()
        self.addCleanup(self.echo.stop)

    def ready(self, address, family=socket.AF_INET):
        wait_for(lambda: listening(address, family), TIMEOUT)

    def test_local(self):
        port = free_port()
        with self.background("-N", "-L", f"{port}:localhost:{self.echo.address[1]}", "box"):
            self.ready(("127.0.0.1", port))
            for size in (0, 10, len(DATA)):
                self.assertEqual(talk(("127.0.0.1", port), DATA[:size]), b"echo:" + DATA[:size])

    def test_local_to_nobody(self):
        port, nobody = free_port(), free_port()
        with self.background("-N", "-L", f"{port}:127.0.0.1:{nobody}", "box"):
            self.ready(("127.0.0.1", port))
            for _ in range(10):
                with contextlib.suppress(OSError):
                    self.assertEqual(talk(("127.0.0.1", port), b"x"), b"")
        self.no_programs_left()

    def test_local_with_sockets(self):
        server = EchoServer(unix=self.path("echo.sock"))
        self.addCleanup(server.stop)
        with self.background("-N", "-L", f"{self.path('here.sock')}:{self.path('echo.sock')}", "box"):
            wait_for(lambda: os.path.exists(self.path("here.sock")))
            self.assertEqual(talk(self.path("here.sock"), DATA, socket.AF_UNIX), b"echo:" + DATA)

    def test_standard_input_and_output(self):
        done = self.run_ssh("-W", f"127.0.0.1:{self.echo.address[1]}", "box", input=DATA, check=0)
        self.assertEqual(done.stdout, b"echo:" + DATA)

    def test_remote(self):
        port = free_port()
        with self.background("-N", "-R", f"{port}:localhost:{self.echo.address[1]}", "box"):
            self.ready(("127.0.0.1", port))
            self.assertEqual(talk(("127.0.0.1", port), DATA), b"echo:" + DATA)
        wait_for(lambda: not listening(("127.0.0.1", port)))

    def test_remote_to_a_port_that_is_taken(self):
        taken = self.echo.address[1]
        done = self.run_ssh("-o", "ExitOnForwardFailure=yes", "-R", f"127.0.0.1:{taken}:localhost:1", "box", "true")
        self.assertEqual(done.returncode, 255)

    def test_remote_with_sockets(self):
        there = self.path("made/for/it/there.sock")
        with self.background("-N", "-R", f"{there}:127.0.0.1:{self.echo.address[1]}", "box"):
            wait_for(lambda: os.path.exists(there))
            self.assertEqual(talk(there, DATA, socket.AF_UNIX), b"echo:" + DATA)
            self.assertEqual(os.stat(self.path("made")).st_mode & 0o777, 0o700)
        wait_for(lambda: not os.path.exists(there))

    def test_remote_socket_replaces_what_is_there(self):
        there = self.path("there.sock")
        with open(there, "w", encoding="utf-8"):
            pass
        with self.background("-N", "-R", f"{there}:127.0.0.1:{self.echo.address[1]}", "box"):
            self.ready(there, socket.AF_UNIX)
            self.assertEqual(talk(there, b"hello", socket.AF_UNIX), b"echo:hello")

    def test_forwards_come_and_go_in_one_connection(self):
        control, there = self.path("control"), self.path("there.sock")
        local = free_port()
        with self.background("-M", "-N", "-S", control, "box"):
            wait_for(lambda: os.path.exists(control))

            def tell(verb, *what):
                return subprocess.run(self.command("-S", control, "-O", verb, *what, "box"), capture_output=True,
                                      timeout=TIMEOUT, check=False)

            port = int(tell("forward", "-R", f"0:127.0.0.1:{self.echo.address[1]}").stdout)
            self.assertEqual(talk(("127.0.0.1", port), b"any"), b"echo:any")
            tell("forward", "-R", f"{there}:127.0.0.1:{self.echo.address[1]}")
            self.assertEqual(talk(there, b"unix", socket.AF_UNIX), b"echo:unix")
            tell("forward", "-L", f"{local}:127.0.0.1:{self.echo.address[1]}")
            self.assertEqual(talk(("127.0.0.1", local), b"local"), b"echo:local")
            tell("cancel", "-R", f"{there}:127.0.0.1:{self.echo.address[1]}")
            wait_for(lambda: not os.path.exists(there))
            # Listening for one and the same port again works, so it has really been given up.
            fixed = free_port()
            for _ in range(2):
                tell("forward", "-R", f"{fixed}:127.0.0.1:{self.echo.address[1]}")
                self.assertEqual(talk(("127.0.0.1", fixed), b"fixed"), b"echo:fixed")
                tell("cancel", "-R", f"{fixed}:127.0.0.1:{self.echo.address[1]}")
                wait_for(lambda: not listening(("127.0.0.1", fixed)))
            tell("exit")

    def test_dynamic(self):
        port = free_port()

        def ask(host, wanted):
            def socks(connection):
                connection.sendall(b"\x05\x01\x00")
                self.assertEqual(connection.recv(2), b"\x05\x00")
                connection.sendall(b"\x05\x01\x00\x03" + bytes([len(host)]) + host + struct.pack(">H", wanted))
                self.assertEqual(connection.recv(10, socket.MSG_WAITALL)[:2], b"\x05\x00")

            return socks

        with self.background("-N", "-D", str(port), "box"):
            self.ready(("127.0.0.1", port))
            for host in (b"localhost", b"127.0.0.1"):
                got = talk(("127.0.0.1", port), DATA, before=ask(host, self.echo.address[1]))
                self.assertEqual(got, b"echo:" + DATA)

    def test_many_connections_at_once(self):
        port = free_port()
        with self.background("-N", "-L", f"{port}:127.0.0.1:{self.echo.address[1]}", "box"):
            self.ready(("127.0.0.1", port))
            open_ones = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
            for i, connection in enumerate(open_ones):
                connection.sendall(b"%d" % i)
                connection.shutdown(socket.SHUT_WR)
            for i, connection in enumerate(open_ones):
                connection.settimeout(TIMEOUT)
                got = b""
                while piece := connection.recv(1000):
                    got += piece
                self.assertEqual(got, b"echo:%d" % i)
                connection.close()

    def test_agent(self):
        agent = self.path("agent")
        process = subprocess.Popen(["ssh-agent", "-D", "-a", agent], stdout=subprocess.DEVNULL)
        try:
            wait_for(lambda: os.path.exists(agent))
            environment = {"SSH_AUTH_SOCK": agent}
            key = self.path("key")
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "the-key", "-f", key], check=True)
            subprocess.run(["ssh-add", "-q", key], check=True, env={**os.environ, **environment})
            options = ("-A", "-o", f"IdentityAgent={agent}", "-o", "IdentityFile=none")
            out = self.output(*options, "box", "ssh-add -l; echo $SSH_AUTH_SOCK")
            self.assertIn("the-key", out)
            there = re.search(r"/\S*agent\S*", out).group()
            self.assertNotEqual(there, agent)
            wait_for(lambda: not os.path.exists(os.path.dirname(there)))
            self.assertEqual(self.output("-a", "box", "echo ${SSH_AUTH_SOCK:-none}"), "none\n")
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    unittest.main()
