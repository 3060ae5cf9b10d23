// Code in the three languages: output, exit codes, arguments, variables, errors, charts.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { forEachSdk } from './lib/harness.mjs'

const PNG = '89504e470d0a1a0a'

forEachSdk('code run, python', (t) => {
  let run

  before(async () => {
    const sandbox = await t.create('python', { language: 'python', envVars: { FROM_CREATE: 'kept' } })
    run = (...args) => sandbox.process.codeRun(...args)
  })

  it('returns what is printed', async () => {
    const response = await run('x = 10\ny = 20\nprint(f"Sum: {x + y}")')
    assert.equal(response.exitCode, 0)
    assert.equal(response.result, 'Sum: 30\n')
    assert.equal(response.artifacts.stdout, 'Sum: 30\n')
    assert.deepEqual(response.artifacts.charts ?? [], [])
  })

  it('runs functions, classes and comprehensions over many lines', async () => {
    const { result } = await run('import json\nclass A:\n    def f(self, n):\n        return [i * i for i in range(n)]\n\nprint(json.dumps({"v": A().f(4)}))')
    assert.deepEqual(JSON.parse(result.trim()), { v: [0, 1, 4, 9] })
  })

  it('reports an exception by exit code 1 and its traceback', async () => {
    const response = await run('print("before")\nraise ValueError("boom-e2e")')
    assert.equal(response.exitCode, 1)
    assert.match(response.result, /^before\n/)
    assert.match(response.result, /Traceback[\s\S]*ValueError: boom-e2e/)
  })

  it('reports a syntax error', async () => {
    const response = await run('print("never"')
    assert.notEqual(response.exitCode, 0)
    assert.match(response.result, /SyntaxError/)
    assert.doesNotMatch(response.result, /^never/m)
  })

  it('returns the code of sys.exit', async () => {
    assert.equal((await run('import sys; sys.exit(7)')).exitCode, 7)
    assert.equal((await run('import sys; sys.exit(0)')).exitCode, 0)
  })

  it('merges stderr', async () => {
    const { result } = await run('import sys\nprint("out", flush=True)\nprint("err", file=sys.stderr, flush=True)\nprint("out2", flush=True)')
    assert.equal(result, 'out\nerr\nout2\n')
  })

  it('passes arguments', async () => {
    const { result } = await run('import sys, json; print(json.dumps(sys.argv))', { argv: ['a', 'b c', '$HOME', '*', "it's", 'ü'] })
    assert.deepEqual(JSON.parse(result), ['-', 'a', 'b c', '$HOME', '*', "it's", 'ü'])
  })

  it('passes variables', async () => {
    const { result } = await run('import os; print(os.environ["GIVEN"], os.environ["FROM_CREATE"])', { env: { GIVEN: 'ü 1' } })
    assert.equal(result, 'ü 1 kept\n')
  })

  it('carries unicode, quotes and backslashes', async () => {
    const text = `ünï 世界 🌍 'single' "double" \\n \${x} \`b\``
    const { result } = await run(`print(${JSON.stringify(text)})`)
    assert.equal(result, `${text}\n`)
  })

  it('gives input() an end of file', async () => {
    const response = await run('try:\n    input()\nexcept EOFError:\n    print("eof")')
    assert.equal(response.result, 'eof\n')
  })

  it('ends code at its time-out with the time-out error', async () => {
    await t.rejects(run('import time\ntime.sleep(300)', undefined, 1), { kind: 'executionTimeout', status: 408, message: /timeout/i })
  })

  it('runs 400 KiB of code', async () => {
    const code = `${'# filler filler filler filler\n'.repeat(14000)}print("reached")`
    assert.ok(code.length > 400_000)
    assert.equal((await run(code)).result, 'reached\n')
  })

  it('has numpy and pandas', async () => {
    const { result, exitCode } = await run('import numpy as np, pandas as pd\nprint(int(np.arange(10).sum()), int(pd.DataFrame({"a": [1, 2]})["a"].sum()))')
    assert.equal(exitCode, 0, result)
    assert.equal(result, '45 3\n')
  })

  it('returns a chart that matplotlib shows', async () => {
    const response = await run(`
import matplotlib.pyplot as plt
print("before")
plt.figure()
plt.plot([0, 1, 2], [0, 1, 4], label="squares")
plt.title("Line Chart")
plt.xlabel("X axis")
plt.ylabel("Y axis")
plt.show()
print("after")
`)
    assert.equal(response.exitCode, 0, response.result)
    assert.equal(response.result, 'before\nafter\n')
    assert.equal(response.artifacts.charts.length, 1)
    const [chart] = response.artifacts.charts
    assert.equal(chart.type, 'line')
    assert.equal(chart.title, 'Line Chart')
    assert.equal(chart.x_label, 'X axis')
    assert.equal(chart.y_label, 'Y axis')
    assert.equal(chart.x_scale, 'linear')
    assert.equal(chart.elements.length, 1)
    assert.equal(chart.elements[0].label, 'squares')
    assert.deepEqual(chart.elements[0].points, [[0, 0], [1, 1], [2, 4]])
    assert.equal(Buffer.from(chart.png, 'base64').subarray(0, 8).toString('hex'), PNG)
  })

  it('returns nothing for a figure that is not shown', async () => {
    const response = await run('import math\nprint("no chart here")')
    assert.deepEqual(response.artifacts.charts ?? [], [])
  })
})

forEachSdk('code run, javascript', (t) => {
  let run

  before(async () => {
    const sandbox = await t.create('javascript', { language: 'javascript' })
    run = (...args) => sandbox.process.codeRun(...args)
  })

  it('returns what is printed', async () => {
    const response = await run('const x = [1, 2, 3].map((n) => n * 2)\nconsole.log(JSON.stringify(x))')
    assert.equal(response.exitCode, 0)
    assert.equal(response.result, '[2,4,6]\n')
  })

  it('waits for pending work', async () => {
    const { result } = await run('setTimeout(() => console.log("later"), 50); console.log("now")')
    assert.equal(result, 'now\nlater\n')
  })

  it('reports a thrown error', async () => {
    const response = await run('console.log("before"); throw new TypeError("boom-e2e")')
    assert.equal(response.exitCode, 1)
    assert.match(response.result, /^before\n/)
    assert.match(response.result, /TypeError: boom-e2e/)
  })

  it('returns the code of process.exit', async () => {
    assert.equal((await run('process.exit(4)')).exitCode, 4)
  })

  it('passes arguments, the first at index 1', async () => {
    const { result } = await run('console.log(JSON.stringify(process.argv.slice(1)))', { argv: ['a', 'b c', '$HOME'] })
    assert.deepEqual(JSON.parse(result), ['a', 'b c', '$HOME'])
  })

  it('passes variables and unicode, and merges stderr', async () => {
    const { result } = await run('console.error("err"); console.log(process.env.GIVEN + " 世界 🌍")', { env: { GIVEN: 'ü' } })
    assert.deepEqual(result.split('\n').sort(), ['', 'err', 'ü 世界 🌍'].sort())
  })

  it('can require the modules of Node', async () => {
    assert.equal((await run(`console.log(require('node:path').join('a', '..', 'b'))`)).result, 'b\n')
  })

  it('ends code at its time-out with the time-out error', async () => {
    await t.rejects(run('setInterval(() => {}, 1000)', undefined, 1), { kind: 'executionTimeout', status: 408 })
  })
})

forEachSdk('code run, typescript', (t) => {
  let sandbox
  let run

  before(async () => {
    sandbox = await t.create('typescript', { language: 'typescript' })
    run = (...args) => sandbox.process.codeRun(...args)
  })

  it('runs typed code', async () => {
    const response = await run(`interface Point { x: number }
const double = (n: number): number => n * 2
const points: Point[] = [{ x: 1 }, { x: 2 }]
console.log(points.map((p) => double(p.x)).join(','))`)
    assert.equal(response.result, '2,4\n')
    assert.equal(response.exitCode, 0)
  })

  it('passes arguments and variables', async () => {
    const { result } = await run('console.log(JSON.stringify(process.argv.slice(-2)), process.env.GIVEN)', { argv: ['a', 'b c'], env: { GIVEN: 'ü' } })
    assert.equal(result, '["a","b c"] ü\n')
  })

  it('reports a thrown error', async () => {
    const response = await run('console.log("before"); throw new Error("boom-e2e")')
    assert.notEqual(response.exitCode, 0)
    assert.match(response.result, /before\n[\s\S]*boom-e2e/)
  })

  it('returns the code of process.exit', async () => {
    assert.equal((await run('process.exit(5)')).exitCode, 5)
  })

  it('does not check types, it only strips them', async () => {
    const response = await run('const n: number = "text" as any\nconsole.log(n)')
    assert.equal(response.result, 'text\n')
    assert.equal(response.exitCode, 0)
  })

  it('leaves no file behind and runs five at once', async () => {
    const responses = await Promise.all([1, 2, 3, 4, 5].map((n) => run(`console.log(${n})`)))
    assert.deepEqual(responses.map((response) => response.result), ['1\n', '2\n', '3\n', '4\n', '5\n'])
    assert.equal((await sandbox.process.executeCommand('ls -A /tmp | grep dtn_')).result, '')
  })
})
