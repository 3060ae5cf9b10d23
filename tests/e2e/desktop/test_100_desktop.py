"""Computer use on a real desktop: its life, and a program with a window that is found, looked at, clicked, typed into and recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from daytona import ScreenshotOptions, ScreenshotRegion

from api import eventually
from pixels import Png, jpeg_size

AWAITED = "Grüße, 世界 — ½ €5!"
COLOURS = {"waiting": (200, 30, 40), "awaited": (20, 160, 60), "pressed": (30, 60, 220)}
NAMES = ["xvfb", "xfce4", "atspi", "x11vnc", "novnc"]


class App:
    """The program of the tests (app.py) in a sandbox: asked what it got, looked at."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.computer = sandbox.computer_use
        sandbox.fs.upload_file(Path(__file__).with_name("app.py").read_bytes(), "app.py")
        sandbox.process.exec(f"setsid python3 app.py '{AWAITED}' >app.log 2>&1 &")
        self.until("the window is up and has the focus", lambda state: state["active"] and state["places"]["field"][2] > 1)

    def state(self):
        text = self.sandbox.process.exec("cat app.json || cat app.log").result
        return json.loads(text) if text.startswith("{") else None

    def until(self, what, condition):
        return eventually(what, lambda: (state := self.state()) and condition(state) and state, seconds=30)

    def middle(self, part):
        x, y, width, height = self.state()["places"][part]
        return x + width // 2, y + height // 2

    def click(self, part):
        """Into an entry. The window manager holds a click back until it has looked at it, and keys may overtake it then."""
        clicked = self.computer.mouse.click(*self.middle(part))
        self.until(f"{part} has the focus", lambda state: state["focus"] == part)
        return clicked

    def shows(self, name):
        x, y = self.middle("field")
        region = ScreenshotRegion(x=x - 1, y=y - 1, width=3, height=3)
        eventually(
            f"the screenshot shows {name}",
            lambda: Png(self.computer.screenshot.take_region(region).screenshot).at(1, 1) == COLOURS[name],
            seconds=20,
        )


@pytest.fixture(scope="module")
def app(shared):
    shared.computer_use.start()
    return App(shared)


def test_starts_tells_and_stops(client, raises):
    sandbox = client.create("processes")
    computer = sandbox.computer_use
    assert computer.get_status().status == "inactive"
    raises("any", lambda: computer.get_process_status("nothing"), message="process nothing not found")
    answer = computer.start()
    assert answer.message == "Computer use processes started successfully"
    assert sorted(answer.status) == sorted(NAMES)
    assert computer.get_status().status == "active"
    for name in NAMES:
        status = computer.get_process_status(name)
        assert (status.process_name, status.running) == (name, True)
    assert "PORT=5901" in computer.get_process_logs("x11vnc").logs
    assert "password" in computer.get_process_errors("x11vnc").errors.lower()
    assert "restarted" in computer.restart_process("novnc").message
    raises("bad_request", lambda: computer.restart_process("nothing"), message="process nothing not found")
    stopped = computer.stop()
    assert stopped.message == "Computer use processes stopped successfully"
    assert computer.get_status().status == "inactive"
    assert computer.get_process_status("xvfb").running is False


def test_finds_display_and_window(app):
    (display,) = app.computer.display.get_info().displays
    assert (display.x, display.y, display.width, display.height, display.is_active) == (0, 0, 1024, 768, True)
    assert "Desk test" in [window.title for window in app.computer.display.get_windows().windows]


def test_clicks_types_and_sees(app):
    app.shows("waiting")
    clicked = app.click("entry")
    assert (clicked.x, clicked.y) == app.middle("entry")
    app.computer.keyboard.type(AWAITED, 1)
    app.until("the text is there", lambda state: state["entry"] == AWAITED)
    app.shows("awaited")


def test_hotkeys_and_keys(app, raises):
    keyboard = app.computer.keyboard
    app.click("entry")
    keyboard.hotkey("ctrl+a")
    keyboard.hotkey("ctrl+c")
    app.click("second")
    keyboard.hotkey("ctrl+v")
    app.until("the copy is there", lambda state: state["second"] == AWAITED)
    keyboard.hotkey("ctrl+a")
    for key, modifiers in [("b", None), ("b", ["shift"]), ("backspace", None), ("7", None)]:
        keyboard.press(key, modifiers)
    app.until("what the keys give", lambda state: state["second"] == "b7")
    raises("bad_request", lambda: keyboard.press("FooBar"), message='unsupported key "FooBar"')
    raises("bad_request", lambda: keyboard.hotkey("ctrl++c"), message="empty key token")


def test_mouse(app, raises):
    mouse = app.computer.mouse
    x, y = app.middle("field")
    since = len(app.state()["events"])

    def came(*texts):
        app.until(str(texts), lambda state: all(text in state["events"][since:] for text in texts))

    assert (mouse.move(11, 12).x, mouse.get_position().y) == (11, 12)
    mouse.click(x, y, "right")
    came(f"press 3 {x},{y}", f"release 3 {x},{y}")
    mouse.click(x + 20, y, double=True)
    came(f"double 1 {x + 20},{y}")
    dragged = mouse.drag(x - 50, y - 50, x + 50, y + 40)
    assert (dragged.x, dragged.y) == (x + 50, y + 40)
    came(f"press 1 {x - 50},{y - 50}", f"release 1 {x + 50},{y + 40}")
    assert mouse.scroll(x, y, "down", 2) is True
    came("scroll down")
    raises("bad_request", lambda: mouse.click(x, y, "fourth"), message="unsupported mouse button")


def test_holds_keys_and_buttons(app):
    computer = app.computer
    if not hasattr(computer.mouse, "down"):
        pytest.skip("not in this generation")
    x, y = app.middle("field")
    since = len(app.state()["events"])
    pressed = computer.mouse.down(x - 40, y)
    assert (pressed.x, pressed.y) == (x - 40, y)
    computer.mouse.move(x + 40, y + 10)
    released = computer.mouse.up()
    assert (released.x, released.y) == (x + 40, y + 10)
    wanted = [f"press 1 {x - 40},{y}", f"release 1 {x + 40},{y + 10}"]
    app.until("pressed here, released there", lambda state: [e for e in state["events"][since:] if e[:5] in ("press", "relea")] == wanted)
    app.click("second")
    computer.keyboard.hotkey("ctrl+a")
    computer.keyboard.down("shift")
    computer.keyboard.press("q")
    computer.keyboard.up("shift")
    computer.keyboard.press("q")
    app.until("one with shift, one without", lambda state: state["second"] == "Qq")


def test_screenshots(app, raises):
    screenshot = app.computer.screenshot
    x, y, *_ = app.state()["places"]["field"]
    app.computer.mouse.move(x + 30, y + 20)
    whole = Png(screenshot.take_full_screen().screenshot)
    assert (whole.width, whole.height) == (1024, 768)
    shown = screenshot.take_full_screen(True)
    assert (shown.cursor_position.x, shown.cursor_position.y) == (x + 30, y + 20)
    assert Png(shown.screenshot).at(x + 30, y + 20) != whole.at(x + 30, y + 20)
    region = Png(screenshot.take_region(ScreenshotRegion(x=x, y=y, width=120, height=80)).screenshot)
    assert (region.width, region.height) == (120, 80)
    assert [region.at(*p) for p in ((0, 0), (119, 79))] == [whole.at(x, y), whole.at(x + 119, y + 79)]
    half = screenshot.take_compressed(ScreenshotOptions(fmt="jpeg", quality=50, scale=0.5))
    assert jpeg_size(half.screenshot) == (512, 384)
    options = ScreenshotOptions(fmt="png", scale=0.5, show_cursor=True)
    small = Png(screenshot.take_compressed_region(ScreenshotRegion(x=x, y=y, width=120, height=80), options).screenshot)
    assert (small.width, small.height) == (60, 40)
    bad = ScreenshotRegion(x=0, y=0, width=10, height=0)
    raises("bad_request", lambda: screenshot.take_region(bad), message="must be greater than zero")


def test_accessibility(app, raises):
    accessibility = app.computer.accessibility
    pid = app.state()["pid"]

    def one(**filters):
        found = eventually(str(filters), lambda: accessibility.find_nodes(scope="pid", pid=pid, **filters).matches, seconds=20)
        assert len(found) == 1, found
        return found[0]

    tree = accessibility.get_tree(scope="pid", pid=pid)
    assert (tree.root.role, tree.truncated) == ("application", False)
    assert not accessibility.get_tree(scope="all", max_depth=0).root.children
    button = one(role="push button", name="Press")
    bounds = button.bounds
    assert [bounds.x, bounds.y, bounds.width, bounds.height] == app.state()["places"]["button"]
    accessibility.invoke_node(button.id)
    app.shows("pressed")
    entry = one(role="text", name="Text to type", name_match="exact", states=["editable"])
    for text in ("another text", AWAITED):
        accessibility.set_node_value(entry.id, text)
        app.until(f"the text is {text}", lambda state, text=text: state["entry"] == text)
    app.shows("awaited")
    accessibility.focus_node(entry.id)
    assert one(states=["focused", "editable"]).id == entry.id
    raises("bad_request", lambda: accessibility.invoke_node(button.id, "fly"), message="action not supported by node")
    raises("not_found", lambda: accessibility.focus_node(entry.id + "9999999"), message="accessibility node not found")


def test_recording(app, raises, tmp_path):
    recording = app.computer.recording
    started = recording.start("film")
    assert started.status == "recording"
    for x in range(100, 900, 100):
        app.computer.mouse.move(x, 300)
    assert started.id in [known.id for known in recording.list().recordings]
    stopped = recording.stop(started.id)
    assert (stopped.status, recording.get(started.id).size_bytes) == ("completed", stopped.size_bytes)
    recording.download(started.id, str(tmp_path / "film.mp4"))
    film = (tmp_path / "film.mp4").read_bytes()
    assert (len(film), film[4:8]) == (stopped.size_bytes, b"ftyp")
    probe = app.sandbox.process.exec(f"ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 '{stopped.file_path}'")
    assert (probe.exit_code, probe.result.strip()) == (0, "h264,1024,768")
    recording.delete(started.id)
    raises("not_found", lambda: recording.get(started.id), message="recording not found")
