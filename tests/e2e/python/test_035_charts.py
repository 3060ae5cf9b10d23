"""Charts of matplotlib: every kind becomes its class."""

from __future__ import annotations

import base64

import pytest

from conftest import daytona


def charts(sandbox, code):
    response = sandbox.process.code_run(f"import matplotlib.pyplot as plt\n{code}\nplt.show()\nprint('after')")
    assert (response.exit_code, response.result) == (0, "after\n")
    for chart in response.artifacts.charts:
        assert base64.b64decode(chart.png).startswith(b"\x89PNG\r\n\x1a\n")
    return response.artifacts.charts


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("plt.plot([1, 2], [3, 4])", "LineChart"),
        ("plt.scatter([1, 2], [3, 4])", "ScatterChart"),
        ("plt.bar(['a', 'b'], [1, 2.5])", "BarChart"),
        ("plt.pie([1, 2], labels=['a', 'b'])", "PieChart"),
        ("plt.boxplot([[1, 2, 3, 9]], patch_artist=True)", "BoxAndWhiskerChart"),
        ("fig, (a, b) = plt.subplots(1, 2)\na.plot([1, 2])\nb.bar(['x'], [1])", "CompositeChart"),
        ("import datetime\nplt.plot([datetime.date(2024, m, 1) for m in (1, 5)], [1, 2])", "LineChart"),
        ("plt.plot([1, 2, 3], [1, float('nan'), float('inf')])", "LineChart"),
    ],
)
def test_kinds(shared, code, kind):
    (chart,) = charts(shared, code)
    assert type(chart) is getattr(daytona, kind)
    assert chart.elements


def test_unknown_kind(shared):
    (chart,) = charts(shared, "plt.imshow([[1, 2], [3, 4]])")
    assert chart.type == daytona.ChartType.UNKNOWN.value


def test_several_figures(shared):
    found = charts(shared, "plt.plot([1, 2])\nplt.title('one')\nplt.show()\nplt.pie([1, 2])\nplt.title('two')")
    assert [chart.title for chart in found] == ["one", "two"]
