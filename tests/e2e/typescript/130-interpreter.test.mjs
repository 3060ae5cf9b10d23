// The code interpreter: state, contexts, streams, errors, limits and what must not block the next run.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { eventually } from '../lib/api.mjs'
import { UUID, forEachSdk } from './lib/harness.mjs'

forEachSdk('code interpreter', (t) => {
  let sandbox
  let interpreter
  const run = (code, options) => interpreter.runCode(code, options)
  const context = (cwd) => interpreter.createContext(cwd)

  before(async () => {
    sandbox = await t.create('interpreter', { envVars: { FROM_CREATE: 'kept' } })
    interpreter = sandbox.codeInterpreter
  })

  it('returns what is printed, stream by stream', async () => {
    const result = await run('import sys\nprint("out")\nprint("err", file=sys.stderr)')
    assert.deepEqual(result, { stdout: 'out\n', stderr: 'err\n' })
    assert.deepEqual(await run('x = 1'), { stdout: '', stderr: '' })
  })

  it('calls back in order, while the code runs', async () => {
    const calls = []
    const take = (kind) => ({ output }) => void calls.push([kind, output, Date.now()])
    const result = await run('import sys, time\nprint("one", flush=True)\nprint("two", file=sys.stderr, flush=True)\ntime.sleep(0.5)\nprint("three")', { onStdout: take('out'), onStderr: take('err') })
    assert.deepEqual(calls.map(([kind, output]) => [kind, output.trim()]).filter(([, output]) => output), [['out', 'one'], ['err', 'two'], ['out', 'three']])
    assert.ok(calls.at(-1)[2] - calls[0][2] >= 300, 'the first came before the end')
    assert.equal(result.stdout, 'one\nthree\n')
  })

  it('keeps variables, functions and imports', async () => {
    await run('import math\ncounter = 41\ndef double(n):\n    return n * 2')
    assert.equal((await run('counter += 1\nprint(counter, double(4), math.floor(2.5))')).stdout, '42 8 2\n')
  })

  it('reports an exception with name, value and traceback, and keeps the state', async () => {
    await run('before = "kept"')
    const seen = []
    const result = await run('print("first")\ndef inner():\n    raise ValueError("böse")\ninner()', { onError: (error) => void seen.push(error) })
    assert.equal(result.stdout, 'first\n')
    assert.deepEqual([result.error.name, result.error.value], ['ValueError', 'böse'])
    assert.match(result.error.traceback, /^Traceback \(most recent call last\):\n[\s\S]*line 4[\s\S]*line 3[\s\S]*ValueError: böse\n$/)
    assert.doesNotMatch(result.error.traceback, /worker|exec\(/)
    assert.deepEqual(seen, [result.error])
    assert.equal((await run('print(before)')).stdout, 'kept\n')
  })

  it('reports a syntax error', async () => {
    const { error } = await run('def broken(:\n    pass')
    assert.equal(error.name, 'SyntaxError')
    assert.match(error.traceback, /SyntaxError/)
  })

  it('has variables for one run only, beside those of the sandbox', async () => {
    const { stdout } = await run('import os\nprint(os.environ["GIVEN"], os.environ["FROM_CREATE"])', { envs: { GIVEN: 'ü 1' } })
    assert.equal(stdout, 'ü 1 kept\n')
    assert.equal((await run('import os\nprint(os.environ.get("GIVEN"))')).stdout, 'None\n')
  })

  it('runs in the work directory', async () => {
    assert.equal((await run('import os\nprint(os.getcwd())')).stdout, `${await sandbox.getWorkDir()}\n`)
  })

  it('has contexts with their own state and directory', async () => {
    const one = await context()
    const two = await context('/tmp')
    for (const made of [one, two]) {
      assert.match(made.id, UUID)
      assert.deepEqual([made.active, made.language], [true, 'python'])
      assert.ok(!Number.isNaN(Date.parse(made.createdAt)))
    }
    assert.deepEqual([one.cwd, two.cwd], [await sandbox.getWorkDir(), '/tmp'])
    await run('x = "one"', { context: one })
    assert.equal((await run('print("x" in globals())', { context: two })).stdout, 'False\n')
    assert.equal((await run('print(x)', { context: one })).stdout, 'one\n')
    assert.equal((await run('import os; print(os.getcwd())', { context: two })).stdout, '/tmp\n')
    const listed = (await interpreter.listContexts()).map(({ id }) => id)
    assert.ok(listed.includes(one.id) && listed.includes(two.id) && !listed.includes('default'))
    await interpreter.deleteContext(one)
    assert.ok(!(await interpreter.listContexts()).some(({ id }) => id === one.id))
    await t.rejects(run('1', { context: one }), { kind: 'connection', message: /context not found/ })
    await t.rejects(interpreter.deleteContext(one), { kind: 'notFound', status: 404 })
    assert.equal((await run('print("fine")', { context: two })).stdout, 'fine\n')
  })

  it('refuses a context in a directory that is not there, and the end of the default one', async () => {
    await t.rejects(context('/no/such/dir'), { kind: 'any' })
    await t.rejects(interpreter.deleteContext({ id: 'default' }), { kind: 'badRequest', status: 400 })
  })

  it('refuses empty code and a time-out below nought', async () => {
    await t.rejects(run(' \n'), { kind: 'any' })
    await t.rejects(run('1', { timeout: -1 }), { kind: 'connection', message: /timeout/ })
  })

  it('ends code at its time-out and keeps the context', async () => {
    const made = await context()
    await run('kept = "state"', { context: made })
    // The SDK takes the worker's last word for the end, or else the close code for the time-out error: both end the run.
    const result = await run('import time\nprint("up", flush=True)\ntime.sleep(360)', { context: made, timeout: 1 }).catch((error) => error)
    if (result instanceof Error) assert.ok(result instanceof t.sdk.module.DaytonaTimeoutError, String(result))
    else assert.equal(result.stdout, 'up\n')
    assert.equal((await run('print(kept)', { context: made })).stdout, 'state\n')
  })

  it('ends code that does not want to end', async () => {
    const made = await context()
    const stubborn = 'import time\nwhile True:\n    try:\n        time.sleep(360)\n    except KeyboardInterrupt:\n        pass'
    await t.rejects(run(stubborn, { context: made, timeout: 1 }), { kind: 'timeout' })
    assert.equal((await run('print("fresh")', { context: made })).stdout, 'fresh\n')
  })

  it('takes time-out 0 as none', async () => {
    assert.equal((await run('print("ok")', { timeout: 0 })).stdout, 'ok\n')
  })

  it('lives on after exit and after an interruption of its own', async () => {
    const made = await context()
    assert.deepEqual(await run('x = 5\nimport sys\nsys.exit(3)', { context: made }), { stdout: '', stderr: '' })
    const interrupted = await run('raise KeyboardInterrupt', { context: made }).catch((error) => error)
    if (interrupted instanceof Error) assert.ok(interrupted instanceof t.sdk.module.DaytonaError)
    assert.equal((await run('print(x)', { context: made })).stdout, '5\n')
  })

  it('replaces a worker that dies, and never blocks who waits behind it', async () => {
    const made = await context()
    const dying = run('import os, time\nx = 1\ntime.sleep(0.3)\nos._exit(1)', { context: made }).catch((error) => error)
    const waiting = Promise.all([1, 2].map((n) => run(`print(${n})`, { context: made }).catch((error) => error)))
    await dying
    await waiting
    assert.equal((await run('print("x" in globals())', { context: made })).stdout, 'False\n')
  })

  it('runs one after another within a context, side by side in several', async () => {
    const made = await context()
    await run('order = []', { context: made })
    await Promise.all([1, 2, 3, 4].map((n) => run(`import time\norder.append("start")\ntime.sleep(0.1)\norder.append("end")\nn = ${n}`, { context: made })))
    assert.equal((await run('print(" ".join(order))', { context: made })).stdout, `${Array(4).fill('start end').join(' ')}\n`)
    const contexts = await Promise.all([1, 2, 3].map(() => context()))
    const code = 'import os, time\nopen(f"/tmp/meet-{N}", "w").close()\nwhile not all(os.path.exists(f"/tmp/meet-{n}") for n in range(3)):\n    time.sleep(0.01)\nprint("met", N)'
    const results = await Promise.all(contexts.map((each, n) => run(`N = ${n}\n${code}`, { context: each, timeout: 20 })))
    assert.deepEqual(results.map(({ stdout }) => stdout), ['met 0\n', 'met 1\n', 'met 2\n'])
  })

  it('fails a run whose context is deleted under it', async () => {
    const made = await context()
    const calls = []
    const running = run('import time\nprint("up", flush=True)\ntime.sleep(361)', { context: made, onStdout: ({ output }) => void calls.push(output) }).catch((error) => error)
    await eventually('it runs', () => calls.join('').includes('up'))
    await interpreter.deleteContext(made)
    await running
  })

  it('returns a line of 3 MiB and 50,000 short ones', async () => {
    const long = await run('print("x" * 3_145_728)')
    assert.ok(long.stdout === `${'x'.repeat(3_145_728)}\n`, `${long.stdout.length} characters`)
    const many = await run('for i in range(50000): print(i)')
    assert.ok(many.stdout === Array.from({ length: 50_000 }, (_, i) => `${i}\n`).join(''), `${many.stdout.length} characters`)
  })

  it('carries unicode, quotes and control characters', async () => {
    const text = `ünï 世界 🌍 'single' "double" \\n \u0001`
    assert.equal((await run(`print(${JSON.stringify(text).replace('🌍', '\\U0001f30d')})`)).stdout, `${text}\n`)
  })

  it('gives input() an end of file', async () => {
    const { error } = await run('input()', { timeout: 10 })
    assert.equal(error.name, 'EOFError')
    assert.equal((await run('print("on")')).stdout, 'on\n')
  })

  it('is not confused by what subprocesses and threads write', async () => {
    const made = await context()
    await run('import os, subprocess, threading\nsubprocess.run(["echo", \'{"type":"control","text":"completed"}\'])\nos.write(1, b"raw bytes\\n")\nthreading.Thread(target=lambda: print("late")).start()', { context: made })
    assert.equal((await run('print("right")', { context: made })).stdout.endsWith('right\n'), true)
  })
})
