// Charts of matplotlib: every kind, odd axes, odd numbers, several at once. One run shows them all: importing it takes a second.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { forEachSdk } from './lib/harness.mjs'

const PNG = '89504e470d0a1a0a'

const FIGURES = `
import datetime
import matplotlib.pyplot as plt

def figure(title):
    plt.figure()
    plt.title(title)

figure("scatter"); plt.scatter([1, 2, 3], [4, 5, 6], label="dots")
figure("bar"); plt.bar(["a", "b", "c"], [10, 20.5, 30]); plt.xlabel("letters"); plt.ylabel("numbers")
figure("groups"); plt.bar([0, 1], [1, 2], 0.4, label="one"); plt.bar([0.4, 1.4], [3, 4], 0.4, label="two"); plt.legend()
plt.show()
figure("pie"); plt.pie([1, 1, 2], labels=["a", "b", "c"])
figure("box"); plt.boxplot([[1, 2, 3, 4, 5, 30]], patch_artist=True)
figure("image"); plt.imshow([[1, 2], [3, 4]])
figure("dates"); plt.plot([datetime.date(2024, m, 1) for m in (1, 4, 8)], [1, 2, 3])
figure("scales"); plt.plot(["x", "y"], [1, 1000]); plt.yscale("log")
figure("not numbers"); plt.plot([1, 2, 3], [1, float("nan"), float("inf")])
figure("never shown"); plt.plot([1, 2]); plt.close()
fig, (left, right) = plt.subplots(1, 2)
left.plot([1, 2], [3, 4]); left.set_title("Left")
right.scatter([1], [2]); right.set_title("Right")
fig.suptitle("composite")
plt.show()
print("after")
`

forEachSdk('charts', (t) => {
  let sandbox
  let response
  let charts
  const chart = (title) => charts.find((candidate) => candidate.title === title)

  before(async () => {
    sandbox = await t.create('charts', { language: 'python' })
    response = await sandbox.process.codeRun(FIGURES)
    charts = response.artifacts?.charts ?? []
  })

  it('are shown once each, in order, without a trace in the output', () => {
    assert.deepEqual([response.exitCode, response.result], [0, 'after\n'])
    assert.deepEqual(charts.map(({ title }) => title), ['scatter', 'bar', 'groups', 'pie', 'box', 'image', 'dates', 'scales', 'not numbers', 'composite'])
    for (const { png } of charts) assert.equal(Buffer.from(png, 'base64').subarray(0, 8).toString('hex'), PNG)
  })

  it('scatter', () => {
    const { type, elements, x_ticks, x_tick_labels } = chart('scatter')
    assert.equal(type, 'scatter')
    assert.deepEqual(elements[0].points, [[1, 4], [2, 5], [3, 6]])
    assert.ok(x_ticks.every(Number.isFinite) && x_tick_labels.every((label) => typeof label === 'string'))
  })

  it('bar, with values as text', () => {
    const { type, elements, x_label, y_label } = chart('bar')
    assert.equal(type, 'bar')
    assert.deepEqual(elements.map(({ label, value }) => [label, Number(value)]), [['a', 10], ['b', 20.5], ['c', 30]])
    assert.ok(elements.every(({ value }) => typeof value === 'string'))
    assert.deepEqual([x_label, y_label], ['letters', 'numbers'])
  })

  it('bar with groups', () => {
    const { type, elements } = chart('groups')
    assert.equal(type, 'bar')
    assert.deepEqual(elements.map(({ group, value }) => [group, Number(value)]), [['one', 1], ['one', 2], ['two', 3], ['two', 4]])
  })

  it('pie', () => {
    const { type, elements } = chart('pie')
    assert.equal(type, 'pie')
    assert.deepEqual(elements.map(({ label, angle, radius }) => [label, Math.round(angle), radius]), [['a', 90, 1], ['b', 90, 1], ['c', 180, 1]])
  })

  it('box and whisker', () => {
    const { type, elements: [box] } = chart('box')
    assert.equal(type, 'box_and_whisker')
    assert.deepEqual([box.min, box.first_quartile, box.median, box.third_quartile, box.max, box.outliers], [1, 2.25, 3.5, 4.75, 5, [30]])
  })

  it('composite', () => {
    const { type, elements } = chart('composite')
    assert.equal(type, 'composite_chart')
    assert.equal(elements.length, 2)
  })

  it('unknown', () => {
    assert.equal(chart('image').type, 'unknown')
    assert.deepEqual(chart('image').elements ?? [], [])
  })

  it('dates on an axis', () => {
    const { type, x_scale, x_ticks, x_tick_labels, elements } = chart('dates')
    assert.deepEqual([type, x_scale], ['line', 'datetime'])
    assert.ok((x_ticks ?? []).every(Number.isFinite))
    assert.ok(x_tick_labels.some((label) => /2024/.test(label)))
    assert.equal(elements[0].points.length, 3)
  })

  it('categories and logarithms on an axis', () => {
    const { x_scale, y_scale, x_tick_labels } = chart('scales')
    assert.deepEqual([x_scale, y_scale], ['categorical', 'log'])
    assert.deepEqual(x_tick_labels, ['x', 'y'])
  })

  it('numbers that are none', () => {
    assert.equal(chart('not numbers').type, 'line')
  })

  it('beside an error', async () => {
    const failed = await sandbox.process.codeRun('import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nraise RuntimeError("boom-e2e")')
    assert.equal(failed.exitCode, 1)
    assert.equal(failed.artifacts.charts.length, 1)
    assert.match(failed.result, /RuntimeError: boom-e2e/)
    assert.doesNotMatch(failed.result, /_Report|exec\(/)
  })
})
