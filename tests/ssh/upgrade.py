#!/usr/bin/env python3
"""ssh's ProxyCommand for a sandbox: turns an HTTP connection into the raw SSH one and copies bytes.

    ssh -o ProxyCommand='upgrade.py unix:/path/of/daemon.sock' daytona@sandbox
    ssh -o ProxyCommand='upgrade.py http://127.0.0.1:4000/toolbox/ID' daytona@sandbox

With `-o ProxyUseFdpass=yes` and the word `pass` behind the address ssh gets the connection itself and no byte is copied.
The API key comes from $DAYTONA_API_KEY, so that it is not seen in process lists.
"""

import os
import select
import socket
import sys
from urllib.parse import urlsplit


def connect(target):
    """The socket and the path before /ssh."""
    if target.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(target[len("unix:") :])
        return connection, "", "localhost"
    url = urlsplit(target)
    connection = socket.create_connection((url.hostname, url.port or 80))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection, url.path.rstrip("/"), url.netloc


def upgrade(connection, path, host):
    """Exits when the answer is not 101."""
    head = f"GET {path}/ssh HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: ssh\r\n"
    key = os.environ.get("DAYTONA_API_KEY")
    if key:
        head += f"Authorization: Bearer {key}\r\n"
    connection.sendall((head + "\r\n").encode())
    # Not a byte beyond the head is taken: the rest belongs to whoever gets the connection.
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        seen = connection.recv(4096, socket.MSG_PEEK)
        if not seen:
            sys.exit("the connection ended: " + answer.decode(errors="replace"))
        end = (answer + seen).find(b"\r\n\r\n")
        answer += connection.recv(len(seen) if end < 0 else end + 4 - len(answer))
    if not answer.startswith(b"HTTP/1.1 101"):
        sys.exit("no SSH here: " + (answer + connection.recv(4096)).decode(errors="replace"))


def write_all(fd, data):
    while data:
        data = data[os.write(fd, data) :]


def copy(connection):
    size = 256 * 1024
    sources = [0, connection.fileno()]
    while sources:
        for fd in select.select(sources, [], [])[0]:
            data = os.read(fd, size)
            if fd == 0 and data:
                connection.sendall(data)
            elif fd == 0:
                sources.remove(0)
                connection.shutdown(socket.SHUT_WR)
            elif data:
                write_all(1, data)
            else:
                return


def main():
    connection, path, host = connect(sys.argv[1])
    upgrade(connection, path, host)
    if sys.argv[2:] == ["pass"]:
        socket.send_fds(socket.socket(fileno=1), [b"\0"], [connection.fileno()])
        return
    try:
        copy(connection)
    except (BrokenPipeError, ConnectionResetError):
        pass


if __name__ == "__main__":
    main()
