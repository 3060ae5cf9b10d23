"""Charts of matplotlib: every kind becomes its class. One run shows them all: importing it takes a second."""

from __future__ import annotations

import base64

import pytest

from conftest import daytona

FIGURES = """
import datetime
import matplotlib.pyplot as plt

def figure(title):
    plt.figure()
    plt.title(title)

figure("line"); plt.plot([1, 2], [3, 4])
figure("scatter"); plt.scatter([1, 2], [3, 4])
figure("bar"); plt.bar(["a", "b"], [1, 2.5])
figure("pie"); plt.pie([1, 2], labels=["a", "b"])
plt.show()
figure("box"); plt.boxplot([[1, 2, 3, 9]], patch_artist=True)
figure("dates"); plt.plot([datetime.date(2024, m, 1) for m in (1, 5)], [1, 2])
figure("not numbers"); plt.plot([1, 2, 3], [1, float("nan"), float("inf")])
figure("image"); plt.imshow([[1, 2], [3, 4]])
fig, (a, b) = plt.subplots(1, 2)
a.plot([1, 2]); b.bar(["x"], [1])
fig.suptitle("composite")
plt.show()
print("after")
"""

KINDS = {
    "line": "LineChart",
    "scatter": "ScatterChart",
    "bar": "BarChart",
    "pie": "PieChart",
    "box": "BoxAndWhiskerChart",
    "dates": "LineChart",
    "not numbers": "LineChart",
    "image": "Chart",
    "composite": "CompositeChart",
}


@pytest.fixture(scope="module")
def charts(shared):
    response = shared.process.code_run(FIGURES)
    assert (response.exit_code, response.result) == (0, "after\n")
    return {chart.title: chart for chart in response.artifacts.charts}


def test_all_are_shown(charts):
    assert list(charts) == ["line", "scatter", "bar", "pie", "box", "dates", "not numbers", "image", "composite"]
    assert all(base64.b64decode(chart.png).startswith(b"\x89PNG\r\n\x1a\n") for chart in charts.values())


@pytest.mark.parametrize("title", KINDS)
def test_kinds(charts, title):
    chart = charts[title]
    assert type(chart) is getattr(daytona, KINDS[title])
    assert bool(chart.elements) is (title != "image")


def test_values(charts):
    assert [(element.label, float(element.value)) for element in charts["bar"].elements] == [("a", 1), ("b", 2.5)]
    assert [list(point) for point in charts["scatter"].elements[0].points] == [[1, 3], [2, 4]]
    assert charts["dates"].x_scale == "datetime"
    assert charts["box"].elements[0].median == 2.5
