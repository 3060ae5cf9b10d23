# The program of an interpreter context: runs pieces of Python, one after the other, in one namespace, until the daemon closes
# the channel. Python 3.8 and newer. The daemon sends this text to `python3 -c`; it is never a file.
#
# The channel is descriptor 0 at the start: a socket whose packets arrive whole, so that threads and forked children can not
# tear one another's messages apart. First byte = kind:
#   in    m l   a piece of a request, its last piece. A request is a list of fields, each 4 bytes of length and the bytes:
#               the run's number, the code, then name and value of each variable
#   out   o e   text written to sys.stdout, sys.stderr
#         n v t a piece of an error's name, value, traceback
#         c i   run number: it is completed, it was interrupted
import os
import sys

# `python -c` puts the current directory first. It must not answer the imports here.
_here = [sys.path.pop(0)] if sys.path[:1] == [""] else []
import _thread
import fcntl
import io
import signal
import time
import traceback

try:
    from termios import FIONREAD
except ImportError:
    FIONREAD = 0x541B
sys.path[:0] = _here

PIECE = 16384  # characters in one packet; at most four bytes each
ERROR_LIMIT = 262144  # characters of an error's value and traceback

# The channel moves out of the way of user code; programs that are started do not inherit it. input() finds an end.
channel = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 64)
nothing = os.open(os.devnull, os.O_RDONLY)
os.dup2(nothing, 0)
os.close(nothing)

main_pid = os.getpid()


class State:
    running = False  # the user's code is running: signals may interrupt
    ending = False
    unordered_until = 0.0


def send(kind, data):
    try:
        os.write(channel, kind + data)
    except OSError:  # the daemon does not listen any more
        pass


def encode(text):
    try:
        return text.encode()
    except UnicodeEncodeError:  # surrogates: pairs become characters, single ones U+FFFD
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def send_text(kind, text):
    for at in range(0, len(text), PIECE):
        send(kind, encode(text[at : at + PIECE]))


def in_pipes():
    """Descriptors 1 and 2 are pipes to the daemon for whatever does not write through sys.stdout: programs, C libraries."""
    for fd in (1, 2):
        try:
            if fcntl.ioctl(fd, FIONREAD, b"\0\0\0\0") != b"\0\0\0\0":
                return True
        except OSError:
            pass
    return False


def settle():
    """Waits until the daemon took what programs wrote before, so that text sent now comes after it. Not for long: something in
    the background may go on writing, and then there is no order to keep."""
    now = time.monotonic()
    if now < State.unordered_until or not in_pipes():
        return
    while in_pipes():
        if time.monotonic() > now + 0.1:
            State.unordered_until = time.monotonic() + 1
            return
        time.sleep(0.0002)


class Bytes(io.RawIOBase):
    """sys.stdout.buffer: goes to the descriptor itself, after the text that was written before."""

    def __init__(self, text):
        self._text = text

    def writable(self):
        return True

    def fileno(self):
        return self._text.fileno()

    def write(self, data):
        self._text.flush()
        data = memoryview(data).cast("B")
        at = 0
        while at < len(data):
            at += os.write(self._text.fileno(), data[at:])
        return at

    def close(self):
        pass


class Output(io.TextIOBase):
    """sys.stdout and sys.stderr. Text is sent at a newline, from 1024 characters on, at flush() and at the end of a run."""

    encoding = "utf-8"
    errors = "replace"
    newlines = None
    mode = "w"

    def __init__(self, fd, name, kind):
        self.name = name
        self._fd = fd
        self._kind = kind
        self._buffer = Bytes(self)
        self.renew()

    def renew(self):
        self._lock = _thread.RLock()
        self._pending = []
        self._size = 0

    @property
    def buffer(self):
        return self._buffer

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not %s" % type(text).__name__)
        with self._lock:
            self._pending.append(text)
            self._size += len(text)
            if "\n" in text or self._size >= 1024:
                self._send()
        return len(text)

    def flush(self):
        with self._lock:
            self._send()

    def _send(self):
        if not self._pending:
            return
        settle()
        text = "".join(self._pending)
        self._pending = []
        self._size = 0
        send_text(self._kind, text)

    def fileno(self):
        return self._fd

    def writable(self):
        return True

    def isatty(self):
        return False

    def reconfigure(self, **options):
        self.flush()

    def close(self):  # later runs write on
        self.flush()


out = Output(1, "<stdout>", b"o")
err = Output(2, "<stderr>", b"e")


def flush_all():
    for stream in (out, err, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except Exception:
            pass


def on_interrupt(number, frame):
    if State.running:
        raise KeyboardInterrupt


def on_terminate(number, frame):
    State.ending = True
    if State.running:
        raise KeyboardInterrupt
    raise SystemExit(0)


forking = _thread._local()


def before_fork():
    # A signal to the child must not find our handlers.
    forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    flush_all()


def in_parent():
    signal.pthread_sigmask(signal.SIG_SETMASK, forking.mask)


def in_child():
    """After os.fork(): an ordinary process, which dies by signals and does not answer for the run."""
    out.renew()
    err.renew()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, forking.mask)


def receive():
    """The fields of the next request; None when the daemon closed the channel."""
    pieces = []
    while True:
        packet = os.read(channel, 1 << 17)
        if not packet:
            return None
        pieces.append(packet[1:])
        if packet[:1] == b"l":
            break
    data = b"".join(pieces)
    fields, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        fields.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return fields


def report(error):
    """Only frames of the user's code are shown, under the name that the interactive interpreter gives them."""
    kind = type(error)
    try:
        value = str(error)
    except Exception:
        value = "<exception str() failed>"
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<string>":
            lines.append('  File "<stdin>", line %d\n' % trace.tb_lineno)
        trace = trace.tb_next
    if lines:
        lines.insert(0, "Traceback (most recent call last):\n")
    try:
        last = traceback.format_exception_only(kind, error)
        while len(last) > 1 and last[0][:1] == " ":  # the source of a syntax error
            last.pop(0)
        lines += last
    except Exception:
        lines.append("%s: %s\n" % (kind.__name__, value))
    send_text(b"n", kind.__name__)
    send_text(b"v", value[:ERROR_LIMIT])
    send_text(b"t", "".join(lines)[:ERROR_LIMIT])


def set_variables(variables):
    before = {}
    for name, value in variables:
        before[name] = os.environ.get(name)
        os.environ[name] = value
    return before


def restore_variables(before):
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def execute(code, variables, namespace):
    """(how it ended, exit code for a forked child that comes back here, error or None)"""
    before = {}
    try:
        try:
            State.running = True
            before = set_variables(variables)
            exec(compile(code, "<string>", "exec", dont_inherit=True), namespace)
        finally:
            State.running = False
    except KeyboardInterrupt:
        return b"i", 130, None, before
    except SystemExit as end:
        code = end.code
        return b"c", code if isinstance(code, int) else int(code is not None), None, before
    except BaseException as error:
        return b"c", 1, error, before
    return b"c", 0, None, before


def run(fields, namespace):
    number, code = fields[0], fields[1].decode("utf-8", "replace")
    texts = [os.fsdecode(f) for f in fields[2:]]
    sys.stdout, sys.stderr = out, err
    signal.signal(signal.SIGINT, on_interrupt)
    ended, status, error, before = execute(code, zip(texts[::2], texts[1::2]), namespace)
    flush_all()
    if os.getpid() != main_pid:
        if error is not None:
            traceback.print_exception(type(error), error, error.__traceback__)
            flush_all()
        os._exit(status & 255)
    restore_variables(before)
    if error is not None:
        report(error)
    send(ended, number)


def main():
    # A module of its own, so that pickle and multiprocessing find the user's functions in __main__; the module that this
    # text runs in must live on.
    module = type(sys)("__main__")
    kept = sys.modules.get("__main__")
    sys.modules["__main__"] = module
    signal.signal(signal.SIGINT, on_interrupt)
    signal.signal(signal.SIGTERM, on_terminate)
    os.register_at_fork(before=before_fork, after_in_parent=in_parent, after_in_child=in_child)
    while not State.ending:
        fields = receive()
        if fields is None:
            break
        run(fields, module.__dict__)
    return kept


main()
