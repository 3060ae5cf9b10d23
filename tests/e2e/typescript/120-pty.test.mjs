// Pseudo-terminals: what runs in them, who may watch and type, how they end.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { eventually, unique } from '../lib/api.mjs'
import { forEachSdk } from './lib/harness.mjs'
import { Terminal } from './lib/terminal.mjs'

forEachSdk('pty', (t) => {
  let sandbox
  let process
  const open = (test, options = {}) => Terminal.create(sandbox, { id: unique('pty', test), ...options })

  before(async () => {
    sandbox = await t.create('pty', { envVars: { FROM_CREATE: 'kept' } })
    process = sandbox.process
  })

  it('run an interactive login shell in the work directory, 80 by 24', async () => {
    const terminal = await open('shell')
    assert.equal(terminal.handle.isConnected(), true)
    assert.equal(terminal.handle.exitCode, undefined)
    assert.equal(await terminal.asks('stty size'), '24 80')
    assert.equal(await terminal.asks('pwd'), await sandbox.getWorkDir())
    assert.equal(await terminal.asks('echo $TERM $FROM_CREATE'), 'xterm-256color kept')
    assert.match(await terminal.asks('tty'), /^\/dev\/pts\/\d+$/)
    assert.match(await terminal.asks('echo $-'), /i/)
    assert.deepEqual(await terminal.ends('exit'), { exitCode: 0, error: undefined })
    assert.equal(terminal.handle.exitCode, 0)
    assert.equal(terminal.handle.isConnected(), false)
  })

  it('take size, directory and variables, and tell them', async () => {
    const terminal = await open('options', { cols: 133, rows: 41, cwd: '/tmp', envs: { GIVEN: 'ü "1"', TERM: 'vt100' } })
    const { sessionId: id } = terminal.handle
    assert.equal(await terminal.asks('stty size'), '41 133')
    assert.equal(await terminal.asks('pwd'), '/tmp')
    assert.equal(await terminal.asks('echo "$GIVEN $TERM"'), 'ü "1" vt100')
    const info = await process.getPtySessionInfo(id)
    assert.deepEqual([info.id, info.cols, info.rows, info.cwd, info.active, info.envs.GIVEN, info.envs.TERM], [id, 133, 41, '/tmp', true, 'ü "1"', 'vt100'])
    assert.ok(!Number.isNaN(Date.parse(info.createdAt)), info.createdAt)
    assert.deepEqual((await process.listPtySessions()).find((listed) => listed.id === id), info)
    await terminal.handle.kill()
  })

  it('are resized through the handle and through the process', async () => {
    const terminal = await open('resize')
    const { sessionId: id } = terminal.handle
    const info = await terminal.handle.resize(120, 40)
    assert.deepEqual([info.id, info.cols, info.rows], [id, 120, 40])
    assert.equal(await terminal.asks('stty size'), '40 120')
    const again = await process.resizePtySession(id, 90, 20)
    assert.deepEqual([again.cols, again.rows], [90, 20])
    assert.equal(await terminal.asks('stty size'), '20 90')
    assert.deepEqual([(await process.getPtySessionInfo(id)).cols, (await process.getPtySessionInfo(id)).rows], [90, 20])
    await t.rejects(process.resizePtySession(id, 1001, 20), { kind: 'badRequest', status: 400, message: /cols|1000/ })
    await t.rejects(process.resizePtySession(id, 20, 1001), { kind: 'badRequest', status: 400, message: /rows|1000/ })
    await terminal.handle.kill()
    await t.rejects(process.resizePtySession(id, 80, 24), { kind: 'gone', status: 410 })
  })

  it('tell a program that the size changed', async () => {
    const terminal = await open('winch')
    // Not in the shell itself: at its prompt bash may put the trap off until a key is pressed.
    await terminal.type(`sh -c 'trap "echo size-$((6 * 7))" WINCH; echo ready-$((1 + 1)); while :; do sleep 0.1; done'`)
    await terminal.shows('ready-2')
    await terminal.handle.resize(100, 30)
    await terminal.shows('size-42')
    await terminal.handle.kill()
  })

  for (const [line, exitCode, error] of [
    ['exit 0', 0, undefined],
    ['exit 7', 7, 'non-zero exit'],
    ['exit 130', 130, 'Ctrl+C'],
    ['exit 137', 137, 'SIGKILL'],
    ['exit 143', 143, 'SIGTERM'],
    ['exit 139', 139, 'signal 11'],
    ['kill -9 $$', -1, 'non-zero exit'],
  ]) {
    it(`report the end by ${line}`, async () => {
      const terminal = await open('exit')
      assert.deepEqual(await terminal.ends(line), { exitCode, error })
      assert.equal(terminal.handle.exitCode, exitCode)
      await t.rejects(process.getPtySessionInfo(terminal.handle.sessionId), { kind: 'notFound', status: 404, message: /PTY session not found/ })
    })
  }

  it('end at the end of input', async () => {
    const terminal = await open('eof')
    await terminal.asks('echo up')
    await terminal.handle.sendInput('\x04')
    assert.equal((await terminal.handle.wait()).exitCode, 0)
  })

  it('interrupt what runs with Ctrl+C and go on', async () => {
    const terminal = await open('interrupt')
    // It tells from the foreground that it runs: a key that comes earlier interrupts the shell, not the program.
    await terminal.type("sh -c 'echo now-$((40 + 2)); exec sleep 350'")
    await terminal.shows('now-42')
    await terminal.handle.sendInput('\x03')
    assert.equal(await terminal.asks('echo on'), 'on')
    await terminal.handle.kill()
  })

  it('are killed with all that runs in them', async () => {
    const terminal = await open('kill')
    await terminal.type('sleep 351 & echo pid-$!-; sleep 352')
    await terminal.shows(/pid-\d+-/)
    const [, pid] = /pid-(\d+)-/.exec(terminal.output)
    const ended = terminal.handle.wait()
    await process.killPtySession(terminal.handle.sessionId)
    assert.deepEqual(await ended, { exitCode: 137, error: 'SIGKILL' })
    assert.equal((await process.executeCommand(`kill -0 ${pid}`)).exitCode, 1)
    assert.ok(!(await process.listPtySessions()).some(({ id }) => id === terminal.handle.sessionId))
    await t.rejects(process.killPtySession(terminal.handle.sessionId), { kind: 'notFound', status: 404 })
  })

  it('live on without a client and show what was missed when it comes back', async () => {
    const terminal = await open('back')
    const { sessionId: id } = terminal.handle
    await terminal.type('kept=value; echo before-$((2 * 21))')
    await terminal.shows('before-42')
    await terminal.handle.disconnect()
    await eventually('the client is gone', () => !terminal.handle.isConnected())
    assert.equal((await process.getPtySessionInfo(id)).active, true)
    assert.ok((await process.listPtySessions()).some((listed) => listed.id === id))
    const again = await Terminal.connect(sandbox, id)
    await again.shows('before-42')
    assert.equal(await again.asks('echo $kept'), 'value')
    assert.equal((await again.ends('exit 3')).exitCode, 3)
  })

  it('serve several clients, who all see and all type', async () => {
    const first = await open('several')
    const others = await Promise.all([1, 2, 3].map(() => Terminal.connect(sandbox, first.handle.sessionId)))
    await first.type('echo from-first-$((40 + 2))')
    for (const terminal of [first, ...others]) await terminal.shows('from-first-42')
    await others[2].type('echo from-other-$((40 + 3))')
    for (const terminal of [first, ...others]) await terminal.shows('from-other-43')
    await others[0].handle.disconnect()
    const ends = [first, others[1], others[2]].map((terminal) => terminal.handle.wait())
    await first.type('exit 5')
    for (const { exitCode } of await Promise.all(ends)) assert.equal(exitCode, 5)
  })

  it('refuse an id that is taken, and one that is not there', async () => {
    const terminal = await open('taken')
    const { sessionId: id } = terminal.handle
    await t.rejects(process.createPty({ id, onData: () => {} }), t.sdk.modern ? { kind: 'connection' } : { kind: 'conflict', status: 409, message: /already exists/ })
    assert.equal(await terminal.asks('echo unharmed'), 'unharmed')
    await terminal.handle.kill()
    await t.rejects(process.connectPty(unique('pty', 'nobody'), { onData: () => {} }), { kind: 'connection' })
    await t.rejects(process.getPtySessionInfo(unique('pty', 'nobody')), { kind: 'notFound', status: 404, message: /PTY session not found/ })
  })

  it('refuse impossible sizes', async () => {
    for (const size of [{ cols: 1001 }, { rows: 1001 }]) {
      await t.rejects(process.createPty({ id: unique('pty', 'size'), cols: 80, rows: 24, ...size, onData: () => {} }), { kind: 'any' })
    }
  })

  it('pass every byte of input on', async () => {
    const terminal = await open('input')
    await terminal.type('stty raw -echo; echo go-$((1 + 1)); head -c 70000 | sha256sum; stty sane; echo done-$((1 + 1))')
    await terminal.shows('go-2')
    const bytes = new Uint8Array(70_000).map((_, i) => (i * 7) % 256)
    await terminal.handle.sendInput(bytes.subarray(0, 40_000))
    await terminal.handle.sendInput(bytes.subarray(40_000))
    const hash = Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')
    await terminal.shows(hash)
    await terminal.shows('done-2')
    assert.equal(await terminal.asks("printf '%s' 'grüße 世界 🌍'"), 'grüße 世界 🌍')
    await terminal.handle.kill()
  })

  it('lose no output at the end', async () => {
    const terminal = await open('output')
    const { exitCode } = await terminal.ends('seq 1 200000; exit 4')
    assert.equal(exitCode, 4)
    const numbers = [...terminal.output.matchAll(/^(\d+)\r$/gm)].map(([, number]) => Number(number))
    assert.equal(numbers.length, 200_000)
    assert.ok(numbers.every((number, i) => number === i + 1))
  })

  it('are kept apart, 15 at once', async () => {
    const terminals = await Promise.all(Array.from({ length: 15 }, (_, i) => open(`many-${i}`, { envs: { N: String(i) } })))
    await Promise.all(terminals.map(async (terminal, i) => {
      assert.equal(await terminal.asks('echo $N'), String(i))
      assert.equal((await terminal.ends(`exit ${i}`)).exitCode, i)
    }))
  })
})
