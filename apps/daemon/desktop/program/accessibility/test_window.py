"""A GTK program for the tests of accessibility: test_window.py FOLDER [LABELS [CELLS...]]

It writes what happened to it into files of FOLDER: pressed, text, value. LABELS more labels make its tree large, and so do tables
with that many CELLS.
"""

import ctypes
import os
import signal
import sys
import time

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import GdkX11, GLib, Gtk  # noqa: E402, F401

FOLDER = sys.argv[1]
LABELS, *TABLES = [int(number) for number in sys.argv[2:]] or [0]


def write(name, text):
    path = os.path.join(FOLDER, name)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".new", path)


def button(title, action):
    made = Gtk.Button(label=title)
    made.connect("clicked", lambda _: action())
    return made


class Window(Gtk.Window):
    def __init__(self):
        super().__init__(title="Accessibility test")
        self.presses = 0
        self.box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        self.doomed = Gtk.Label(label="Doomed")
        for part in (button("Press me", self.press), button("Remove", self.remove), button("Freeze", self.freeze), self.doomed):
            self.box.add(part)
        self.add_inputs()
        self.add_labels()
        for cells in TABLES:
            self.add_table(cells)
        self.add(self.box)
        if "TEST_WINDOW_AT" in os.environ:
            self.move(*(int(number) for number in os.environ["TEST_WINDOW_AT"].split(",")))
        self.connect("destroy", Gtk.main_quit)

    def add_inputs(self):
        entry = Gtk.Entry()
        entry.get_accessible().set_name("Surname")
        entry.get_accessible().set_description("Of the person")
        entry.connect("changed", lambda e: write("text", e.get_text()))
        slider = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, 0, 100, 1)
        slider.get_accessible().set_name("Volume")
        slider.connect("value-changed", lambda s: write("value", str(s.get_value())))
        check = Gtk.CheckButton(label="Agree")
        check.set_active(True)
        grey = Gtk.Button(label="Grüße 🙂")
        grey.set_sensitive(False)
        for part in (entry, slider, check, grey):
            self.box.add(part)

    def add_labels(self):
        # Rows of labels, not too large for a screen: what matters is their number.
        scrolled = Gtk.ScrolledWindow()
        rows = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        for first in range(0, LABELS, 50):
            row = Gtk.Box()
            for number in range(first, min(first + 50, LABELS)):
                row.add(Gtk.Label(label=f"Label {number}"))
            rows.add(row)
        scrolled.add(rows)
        self.box.add(scrolled)

    def add_table(self, cells):
        rows = Gtk.ListStore(str)
        for number in range(cells):
            rows.append([f"Cell {number}"])
        table = Gtk.TreeView(model=rows, headers_visible=False)
        table.append_column(Gtk.TreeViewColumn("Cells", Gtk.CellRendererText(), text=0))
        scrolled = Gtk.ScrolledWindow()
        scrolled.add(table)
        self.box.add(scrolled)

    def claim(self):
        """What a window manager does for the active window."""
        x = ctypes.CDLL("libX11.so.6")
        x.XOpenDisplay.restype = ctypes.c_void_p
        display = ctypes.c_void_p(x.XOpenDisplay(None))
        window = ctypes.c_ulong(self.get_window().get_xid())
        atom = x.XInternAtom(display, b"_NET_ACTIVE_WINDOW", 0)
        x.XChangeProperty(display, x.XDefaultRootWindow(display), atom, 33, 32, 0, ctypes.byref(window), 1)
        x.XSync(display, 0)

    def press(self):
        self.presses += 1
        write("pressed", str(self.presses))

    def remove(self):
        doomed, self.doomed = self.doomed, None  # the last reference, so that it goes
        doomed.destroy()

    def freeze(self):
        # Not inside the click: its answer is to be sent first.
        GLib.timeout_add(50, lambda: write("frozen", "") or time.sleep(3600))


signal.signal(signal.SIGTERM, signal.SIG_DFL)
made = Window()
made.show_all()
if "TEST_WINDOW_CLAIMS" in os.environ:
    made.claim()
Gtk.main()
