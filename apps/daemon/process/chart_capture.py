# Runs the user's code as __main__ and reports every figure that pyplot.show() shows as one marked line on stdout.
# The daemon puts the code in, takes the lines out of the output and never shows them to anybody.
import sys


class _Report:
    MARK = "dtn_artifact_k39fd2:"

    def __init__(self):
        self.seen = set()
        self.boxes = {}  # id of axes -> [(stats, vertical)]

    # --- hooking the first import of pyplot ------------------------------------------------------------------------

    def find_spec(self, name, path=None, target=None):
        if name != "matplotlib.pyplot":
            return None
        import importlib.util

        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module
        report = self

        def exec_module(module):
            execute(module)
            report.hook(module)

        spec.loader.exec_module = exec_module
        return spec

    def hook(self, plt):
        show, report = plt.show, self

        def show_and_report(*args, **kwargs):
            for number in plt.get_fignums():
                try:
                    report.figure(plt.figure(number))
                except Exception:  # a figure that cannot be read is not the user's error
                    pass
            result = show(*args, **kwargs)
            plt.close("all")
            report.boxes.clear()
            return result

        plt.show = show_and_report
        try:
            self.hook_boxes()
        except Exception:
            pass

    # A box plot is drawn from computed statistics and cannot be told from lines afterwards.
    def hook_boxes(self):
        from matplotlib.axes import Axes

        bxp, report = Axes.bxp, self

        def recorded(ax, stats, *args, **kwargs):
            result = bxp(ax, stats, *args, **kwargs)
            vertical = kwargs.get("orientation", "vertical") == "vertical" and kwargs.get("vert", True) is not False
            report.boxes.setdefault(id(ax), []).append((list(stats), vertical))
            return result

        recorded.__name__, recorded.__doc__ = bxp.__name__, bxp.__doc__
        recorded.__signature__ = __import__("inspect").signature(bxp)
        Axes.bxp = recorded

    # --- one figure ------------------------------------------------------------------------------------------------

    def figure(self, fig):
        import base64, hashlib, io, json

        image = io.BytesIO()
        fig.savefig(image, format="png", dpi=100, bbox_inches="tight")
        png = image.getvalue()
        digest = hashlib.md5(png).digest()
        if digest in self.seen:
            return
        self.seen.add(digest)
        charts = [c for c in (self.axes(ax) for ax in fig.axes) if c is not None]
        if len(charts) == 1:
            chart = charts[0]
        elif charts:
            title = fig._suptitle.get_text() if getattr(fig, "_suptitle", None) else None
            if not title and fig.texts:
                title = fig.texts[0].get_text()
            chart = {"type": "composite_chart", "title": title or None, "elements": charts}
        else:
            chart = {"type": "unknown", "title": None, "elements": []}
        chart["png"] = base64.b64encode(png).decode()
        line = json.dumps({"type": "chart", "value": self.clean(chart)}, allow_nan=False)
        sys.stdout.flush()
        sys.stdout.write(self.MARK + line + "\n")
        sys.stdout.flush()

    # Plain numbers and texts only; what is not finite becomes null.
    def clean(self, value):
        import math

        if isinstance(value, dict):
            return {k: self.clean(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.clean(v) for v in value]
        if isinstance(value, (str, bool, int)) or value is None:
            return value
        number = float(value)
        return number if math.isfinite(number) else None

    # --- one pair of axes ------------------------------------------------------------------------------------------

    def axes(self, ax):
        from matplotlib.collections import PathCollection
        from matplotlib.lines import Line2D
        from matplotlib.patches import PathPatch, Rectangle, Wedge

        if ax.get_label() == "<colorbar>" or not ax.get_visible():
            return None
        drawn = list(ax.lines) + list(ax.patches) + list(ax.collections) + list(ax.images) + list(ax.artists)
        if not drawn and not ax.has_data():
            return None
        solid = [d for d in drawn if not self.grid_line(d)]

        def all_of(kinds, items):
            return bool(items) and all(isinstance(i, kinds) for i in items)

        swap = False
        if getattr(ax, "name", "") == "3d":  # its objects hold projected points
            kind, elements = "unknown", []
        elif id(ax) in self.boxes and all_of((PathPatch, Line2D), drawn):
            kind = "box_and_whisker"
            elements, swap = self.box_elements(ax)
        elif all_of(Line2D, drawn):
            kind, elements = "line", [self.line(line) for line in solid]
        elif all_of(PathCollection, solid):
            kind, elements = "scatter", [self.scatter(c) for c in solid]
        elif all_of(Rectangle, drawn):
            kind = "bar"
            elements, swap = self.bar_elements(ax)
        elif all_of(Wedge, drawn):
            kind, elements = "pie", self.pie_elements(ax)
        else:
            kind, elements = "unknown", []
        chart = {"type": kind, "title": ax.get_title() or None, "elements": elements}
        labels = (ax.get_xlabel(), ax.get_ylabel())
        chart["x_label"], chart["y_label"] = labels[::-1] if swap else labels
        if kind in ("line", "scatter", "bar", "box_and_whisker"):
            self.scale(chart, "x", ax.xaxis, ax.get_xscale())
            self.scale(chart, "y", ax.yaxis, ax.get_yscale())
        return chart

    def grid_line(self, item):
        from matplotlib.lines import Line2D

        if not isinstance(item, Line2D):
            return False
        x, y = list(item.get_xdata(orig=False)), list(item.get_ydata(orig=False))
        return len(x) == 2 and (x[0] == x[1] or y[0] == y[1])

    def scale(self, chart, name, axis, scale):
        from matplotlib import dates

        ticks = [float(t) for t in axis.get_majorticklocs()]
        texts = [t.get_text() for t in axis.get_majorticklabels()]
        formats = (dates.AutoDateFormatter, dates.ConciseDateFormatter, dates.DateFormatter)
        if isinstance(axis.get_major_formatter(), formats):
            scale = "datetime"
        elif self.categorical(ticks, texts):
            scale = "categorical"
        chart[name + "_ticks"], chart[name + "_tick_labels"], chart[name + "_scale"] = ticks, texts, scale

    def categorical(self, ticks, texts):
        count = range(len(ticks))
        return bool(ticks) and ticks == [float(i) for i in count] and texts != [str(i) for i in count]

    def points(self, xs, ys):
        import math

        pairs = [[float(x), float(y)] for x, y in zip(xs, ys)]
        return [p for p in pairs if math.isfinite(p[0]) and math.isfinite(p[1])]

    def line(self, line):
        points = self.points(line.get_xdata(orig=False), line.get_ydata(orig=False))
        return {"label": str(line.get_label()), "points": points}

    def scatter(self, collection):
        offsets = collection.get_offsets()
        return {"label": str(collection.get_label()), "points": self.points(offsets[:, 0], offsets[:, 1])}

    def bar_elements(self, ax):
        import math

        from matplotlib.container import BarContainer

        groups = [c for c in ax.containers if isinstance(c, BarContainer)]
        bars = [(str(g.get_label()), p) for g in groups for p in g.patches] or [("", p) for p in ax.patches]
        heights = {p.get_height() for _, p in bars}
        lying = len(bars) > 1 and len(heights) == 1 and len({p.get_width() for _, p in bars}) > 1
        if groups and getattr(groups[0], "orientation", None):
            lying = groups[0].orientation == "horizontal"
        axis = ax.yaxis if lying else ax.xaxis
        names = dict(zip(axis.get_majorticklocs(), (t.get_text() for t in axis.get_majorticklabels())))
        categories = self.categorical([float(t) for t in names], list(names.values()))
        elements = []
        for group, bar in bars:
            middle = bar.get_y() + bar.get_height() / 2 if lying else bar.get_x() + bar.get_width() / 2
            near = min(names, key=lambda tick: abs(tick - middle), default=middle)
            # Bars of a group stand beside the tick of their category.
            label = names.get(near, "") if abs(near - middle) < (0.5 if categories else 1e-6) else ""
            value = float(bar.get_width() if lying else bar.get_height())
            element = {"label": label or format(middle, "g"), "group": group}
            if math.isfinite(value):
                element["value"] = repr(int(value) if value.is_integer() else value)
            elements.append(element)
        return elements, lying

    def pie_elements(self, ax):
        from matplotlib.patches import Wedge

        elements = []
        for wedge in (p for p in ax.patches if isinstance(p, Wedge)):
            angle = abs(wedge.theta2 - wedge.theta1)
            elements.append({"label": str(wedge.get_label()), "angle": angle, "radius": wedge.r})
        return elements

    def box_elements(self, ax):
        elements, vertical = [], True
        for stats, upright in self.boxes[id(ax)]:
            vertical = upright
            axis = ax.xaxis if upright else ax.yaxis
            names = [t.get_text() for t in axis.get_majorticklabels()]
            for index, box in enumerate(stats):
                label = box.get("label") or (names[index] if index < len(names) else str(index + 1))
                elements.append({
                    "label": str(label), "min": box["whislo"], "first_quartile": box["q1"], "median": box["med"],
                    "third_quartile": box["q3"], "max": box["whishi"],
                    "outliers": [float(v) for v in box.get("fliers", [])],
                })
        return elements, vertical


def _run(encoded):
    import base64, linecache, traceback, types

    name = "<target_code>"
    code = base64.b64decode(encoded).decode("utf-8", "surrogateescape")
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = main
    sys.meta_path.insert(0, _Report())
    try:
        exec(compile(code, name, "exec", dont_inherit=True), main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        frame = error.__traceback__
        while frame is not None and frame.tb_frame.f_code.co_filename != name:
            frame = frame.tb_next
        sys.stdout.flush()
        traceback.print_exception(type(error), error, frame)
        sys.exit(1)


_run("@USER_CODE_BASE64@")
