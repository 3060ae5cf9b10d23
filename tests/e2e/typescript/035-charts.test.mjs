// Charts of matplotlib: every kind, odd axes, odd numbers, several at once.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { forEachSdk } from './lib/harness.mjs'

const PNG = '89504e470d0a1a0a'

forEachSdk('charts', (t) => {
  let sandbox

  /** The charts that the code shows; it must not be disturbed by being watched. */
  async function charts(code) {
    const { exitCode, result, artifacts } = await sandbox.process.codeRun(`import matplotlib.pyplot as plt\n${code}\nplt.show()\nprint("after")`)
    assert.equal(exitCode, 0, result)
    assert.match(result, /after\n$/)
    assert.doesNotMatch(result, /dtn_artifact/)
    for (const { png } of artifacts.charts) assert.equal(Buffer.from(png, 'base64').subarray(0, 8).toString('hex'), PNG)
    return artifacts.charts
  }

  before(async () => {
    sandbox = await t.create('charts', { language: 'python' })
  })

  it('scatter', async () => {
    const [chart] = await charts('plt.scatter([1, 2, 3], [4, 5, 6], label="dots")\nplt.title("Scatter")')
    assert.deepEqual([chart.type, chart.title], ['scatter', 'Scatter'])
    assert.deepEqual(chart.elements[0].points, [[1, 4], [2, 5], [3, 6]])
    assert.ok(chart.x_ticks.every(Number.isFinite) && chart.x_tick_labels.every((label) => typeof label === 'string'))
  })

  it('bar, with values as text', async () => {
    const [chart] = await charts('plt.bar(["a", "b", "c"], [10, 20.5, 30])\nplt.xlabel("letters")\nplt.ylabel("numbers")')
    assert.equal(chart.type, 'bar')
    assert.deepEqual(chart.elements.map(({ label, value }) => [label, Number(value)]), [['a', 10], ['b', 20.5], ['c', 30]])
    assert.ok(chart.elements.every(({ value }) => typeof value === 'string'))
    assert.deepEqual([chart.x_label, chart.y_label], ['letters', 'numbers'])
  })

  it('bar with groups', async () => {
    const [chart] = await charts('plt.bar([0, 1], [1, 2], 0.4, label="one")\nplt.bar([0.4, 1.4], [3, 4], 0.4, label="two")\nplt.legend()')
    assert.equal(chart.type, 'bar')
    assert.deepEqual(chart.elements.map(({ group, value }) => [group, Number(value)]), [['one', 1], ['one', 2], ['two', 3], ['two', 4]])
  })

  it('pie', async () => {
    const [chart] = await charts('plt.pie([1, 1, 2], labels=["a", "b", "c"])')
    assert.equal(chart.type, 'pie')
    assert.deepEqual(chart.elements.map(({ label, angle }) => [label, Math.round(angle)]), [['a', 90], ['b', 90], ['c', 180]])
    assert.ok(chart.elements.every(({ radius }) => radius === 1))
  })

  it('box and whisker', async () => {
    const [chart] = await charts('plt.boxplot([[1, 2, 3, 4, 5, 30]], patch_artist=True)')
    assert.equal(chart.type, 'box_and_whisker')
    const [box] = chart.elements
    assert.deepEqual([box.min, box.first_quartile, box.median, box.third_quartile, box.max], [1, 2.25, 3.5, 4.75, 5])
    assert.deepEqual(box.outliers, [30])
  })

  it('composite', async () => {
    const [chart] = await charts('fig, (left, right) = plt.subplots(1, 2)\nleft.plot([1, 2], [3, 4])\nleft.set_title("Left")\nright.scatter([1], [2])\nright.set_title("Right")\nfig.suptitle("Both")')
    assert.deepEqual([chart.type, chart.title], ['composite_chart', 'Both'])
    assert.equal(chart.elements.length, 2)
  })

  it('unknown', async () => {
    const [chart] = await charts('plt.imshow([[1, 2], [3, 4]])')
    assert.equal(chart.type, 'unknown')
    assert.deepEqual(chart.elements ?? [], [])
  })

  it('dates on an axis', async () => {
    const [chart] = await charts('import datetime\nplt.plot([datetime.date(2024, m, 1) for m in (1, 4, 8)], [1, 2, 3])')
    assert.deepEqual([chart.type, chart.x_scale], ['line', 'datetime'])
    assert.ok((chart.x_ticks ?? []).every(Number.isFinite))
    assert.ok(chart.x_tick_labels.some((label) => /2024/.test(label)))
    assert.equal(chart.elements[0].points.length, 3)
  })

  it('categories and logarithms on an axis', async () => {
    const [chart] = await charts('plt.plot(["x", "y"], [1, 1000])\nplt.yscale("log")')
    assert.deepEqual([chart.x_scale, chart.y_scale], ['categorical', 'log'])
    assert.deepEqual(chart.x_tick_labels, ['x', 'y'])
  })

  it('numbers that are none', async () => {
    const [chart] = await charts('plt.plot([1, 2, 3], [1, float("nan"), float("inf")])')
    assert.equal(chart.type, 'line')
  })

  it('several figures, each once', async () => {
    const found = await charts('for n in range(3):\n    plt.figure()\n    plt.plot([0, n])\n    plt.title(str(n))\nplt.show()\nplt.plot([5, 6])\nplt.title("later")')
    assert.deepEqual(found.map(({ title }) => title), ['0', '1', '2', 'later'])
  })

  it('beside an error', async () => {
    const response = await sandbox.process.codeRun('import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nraise RuntimeError("boom-e2e")')
    assert.equal(response.exitCode, 1)
    assert.equal(response.artifacts.charts.length, 1)
    assert.match(response.result, /RuntimeError: boom-e2e/)
    assert.doesNotMatch(response.result, /_Report|exec\(/)
  })
})
