"""A program with a window, for tests of computer use: what it got is in `app.json` beside it, and its field shows one colour
before, another one once the entry holds the awaited text, a third one when the button was pressed."""

import json
import os
import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GLib, Gtk  # noqa: E402

AWAITED = sys.argv[1]
COLOURS = {"waiting": (200, 30, 40), "awaited": (20, 160, 60), "pressed": (30, 60, 220)}
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "app.json")


class Window(Gtk.Window):
    def __init__(self):
        super().__init__(title="Desk test")
        self.state = {"pid": os.getpid(), "colour": "waiting", "entry": "", "second": "", "events": []}
        self.entry, self.second = Gtk.Entry(), Gtk.Entry()
        self.button = Gtk.Button(label="Press me")
        self.field = Gtk.EventBox()
        self.name()
        self.field.set_size_request(400, 200)
        self.field.add_events(Gdk.EventMask.BUTTON_PRESS_MASK | Gdk.EventMask.BUTTON_RELEASE_MASK | Gdk.EventMask.SCROLL_MASK)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        for widget in (self.entry, self.second, self.button, self.field):
            box.pack_start(widget, widget is self.field, True, 0)
        self.add(box)
        self.connect_all()
        self.dress()
        self.move(200, 150)
        self.show_all()
        self.present()
        GLib.timeout_add(50, self.save)

    def name(self):
        self.entry.get_accessible().set_name("Text to type")
        self.second.get_accessible().set_name("Text to paste")

    def connect_all(self):
        self.connect("destroy", Gtk.main_quit)
        self.entry.connect("changed", self.changed)
        self.second.connect("changed", self.changed)
        self.entry.connect("activate", lambda _: self.event("enter"))
        self.button.connect("clicked", lambda _: self.colour("pressed"))
        self.field.connect("button-press-event", self.pressed)
        self.field.connect("button-release-event", self.released)
        self.field.connect("scroll-event", lambda _, e: self.event("scroll " + e.direction.value_nick))
        self.connect("key-press-event", self.key)

    def event(self, text):
        self.state["events"].append(text)

    def dress(self):
        style = Gtk.CssProvider()
        style.load_from_data("".join(f".{name} {{ background: rgb{colour}; }}" for name, colour in COLOURS.items()).encode())
        self.field.get_style_context().add_provider(style, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION)
        self.colour("waiting")

    def colour(self, name):
        self.field.get_style_context().remove_class(self.state["colour"])
        self.state["colour"] = name
        self.field.get_style_context().add_class(name)

    def changed(self, _):
        self.state.update(entry=self.entry.get_text(), second=self.second.get_text())
        if self.state["entry"] == AWAITED:
            self.colour("awaited")

    def pressed(self, _, event):
        kind = {Gdk.EventType._2BUTTON_PRESS: "double", Gdk.EventType.BUTTON_PRESS: "press"}.get(event.type, "other")
        self.event(f"{kind} {event.button} {int(event.x_root)},{int(event.y_root)}")

    def released(self, _, event):
        self.event(f"release {event.button} {int(event.x_root)},{int(event.y_root)}")

    def key(self, _, event):
        self.event("key " + Gdk.keyval_name(event.keyval))

    def place(self, widget):
        where = widget.get_allocation()
        x, y = self.get_window().get_root_coords(where.x, where.y)
        return [x, y, where.width, where.height]

    def save(self):
        places = {name: self.place(getattr(self, name)) for name in ("entry", "second", "button", "field")}
        focus = next((name for name in ("entry", "second") if getattr(self, name).is_focus()), None)
        text = json.dumps({**self.state, "places": places, "active": self.is_active(), "focus": focus})
        with open(FILE + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(FILE + ".new", FILE)
        return True


Window()
Gtk.main()
