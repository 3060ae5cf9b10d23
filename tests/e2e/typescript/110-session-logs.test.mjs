// Logs of session commands: as an answer, as a stream with callbacks, and those of the entrypoint.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { eventually } from '../lib/api.mjs'
import { forEachSdk } from './lib/harness.mjs'
import { openSession } from './lib/session.mjs'

/** Follows a log; `done` settles when the stream ends. */
function follow(start) {
  const seen = { stdout: '', stderr: '', calls: 0 }
  const take = (stream) => (chunk) => {
    seen[stream] += chunk
    seen.calls += 1
  }
  seen.done = start(take('stdout'), take('stderr'))
  seen.done.catch(() => {})
  return seen
}

forEachSdk('session logs', (t) => {
  let sandbox
  const session = (test) => openSession(sandbox, test)

  before(async () => {
    sandbox = await t.create('session-logs')
  })

  it('hold both streams of a finished command, apart and together', async () => {
    const { run, logs } = await session('both')
    const { cmdId, output } = await run('echo one; echo two >&2; echo three')
    const answer = await logs(cmdId)
    assert.deepEqual([answer.stdout, answer.stderr], ['one\nthree\n', 'two\n'])
    assert.equal(answer.output, output)
    for (const word of ['one', 'two', 'three']) assert.ok(answer.output.includes(word))
  })

  it('grow while the command runs', async () => {
    const { start, input, logs, ended } = await session('grow')
    const cmdId = await start('echo early; read x; echo late', { suppressInputEcho: true })
    await eventually('the first line shows', async () => (await logs(cmdId)).stdout === 'early\n')
    await input(cmdId, 'go')
    await ended(cmdId)
    assert.equal((await logs(cmdId)).stdout, 'early\nlate\n')
  })

  it('stream to the callbacks while the command runs, and end with it', async () => {
    const { start, input, logs, ended } = await session('stream')
    const cmdId = await start('echo out; echo err >&2; read x; echo "last $x"; echo "last err" >&2', { suppressInputEcho: true })
    const seen = follow((...callbacks) => logs(cmdId, ...callbacks))
    await eventually('both streams show before the end', () => seen.stdout === 'out\n' && seen.stderr === 'err\n')
    await input(cmdId, 'ü')
    await seen.done
    assert.deepEqual([seen.stdout, seen.stderr], ['out\nlast ü\n', 'err\nlast err\n'])
    assert.equal(await ended(cmdId), 0)
  })

  it('stream input that is echoed', async () => {
    const { start, input, logs } = await session('echo')
    const cmdId = await start('read x; echo "got $x"')
    const seen = follow((...callbacks) => logs(cmdId, ...callbacks))
    await input(cmdId, 'typed')
    await seen.done
    assert.equal(seen.stdout, 'typed\ngot typed\n')
  })

  it('stream the whole log of a command that has ended', async () => {
    const { run, logs } = await session('after')
    const { cmdId } = await run('echo out; echo err >&2')
    const seen = follow((...callbacks) => logs(cmdId, ...callbacks))
    await seen.done
    assert.deepEqual([seen.stdout, seen.stderr], ['out\n', 'err\n'])
  })

  it('stream nothing, and end, for a silent command', async () => {
    const { start, logs } = await session('silent')
    const cmdId = await start('sleep 0.3')
    const seen = follow((...callbacks) => logs(cmdId, ...callbacks))
    await seen.done
    assert.equal(seen.calls, 0)
  })

  it('stream to several clients alike', async () => {
    const { start, input, logs } = await session('several')
    const cmdId = await start('echo begin; read x; echo end >&2', { suppressInputEcho: true })
    const all = Array.from({ length: 5 }, () => follow((...callbacks) => logs(cmdId, ...callbacks)))
    await eventually('all see the beginning', () => all.every(({ stdout }) => stdout === 'begin\n'))
    await input(cmdId, 'x')
    await Promise.all(all.map(({ done }) => done))
    for (const { stdout, stderr } of all) assert.deepEqual([stdout, stderr], ['begin\n', 'end\n'])
  })

  it('stream 200,000 lines in both streams complete and in order', async () => {
    const { start, logs } = await session('long')
    const cmdId = await start('seq 1 200000; seq 1 1000 >&2')
    const seen = follow((...callbacks) => logs(cmdId, ...callbacks))
    await seen.done
    const numbers = (count) => Array.from({ length: count }, (_, i) => `${i + 1}\n`).join('')
    assert.ok(seen.stdout === numbers(200_000), `${seen.stdout.length} characters`)
    assert.ok(seen.stderr === numbers(1000), `${seen.stderr.length} characters`)
  })

  it('stream unicode whole', async () => {
    const { start, logs } = await session('unicode')
    const cmdId = await start("for i in $(seq 300); do printf '%s\\n' 'grüße 世界 🌍 grüße'; echo 'ошибка' >&2; done")
    const seen = follow((...callbacks) => logs(cmdId, ...callbacks))
    await seen.done
    assert.equal(seen.stdout, 'grüße 世界 🌍 grüße\n'.repeat(300))
    assert.equal(seen.stderr, 'ошибка\n'.repeat(300))
  })

  it('end the stream when the session is deleted', async () => {
    const { start, logs, close } = await session('deleted')
    const cmdId = await start('echo up; sleep 340')
    const seen = follow((...callbacks) => logs(cmdId, ...callbacks))
    await eventually('it streams', () => seen.stdout === 'up\n')
    await close()
    await seen.done
    assert.equal(seen.stdout, 'up\n')
  })

  it('refuse to stream what is not there', async () => {
    const { logs } = await session('missing')
    await assert.rejects(logs('no-such-command', () => {}, () => {}))
    await assert.rejects(sandbox.process.getSessionCommandLogs('no-such-session', 'x', () => {}, () => {}))
  })
})

forEachSdk('entrypoint', (t) => {
  let sandbox
  let process

  before(async () => {
    sandbox = await t.create('entrypoint')
    process = sandbox.process
  })

  it('has a session of its own', async () => {
    const session = await process.getEntrypointSession()
    assert.equal(session.sessionId, 'entrypoint')
    assert.equal(session.commands.length, 1)
    assert.equal(session.commands[0].id, 'entrypoint_command')
    assert.ok(session.commands[0].command.length > 0)
    assert.deepEqual(await process.getSession('entrypoint'), session)
    assert.equal((await process.getSessionCommand('entrypoint', 'entrypoint_command')).id, 'entrypoint_command')
    assert.ok(!(await process.listSessions()).some(({ sessionId }) => sessionId === 'entrypoint'))
  })

  it('has logs', async () => {
    const logs = await process.getEntrypointLogs()
    for (const key of ['output', 'stdout', 'stderr']) assert.equal(typeof logs[key], 'string')
    assert.deepEqual(await process.getSessionCommandLogs('entrypoint', 'entrypoint_command'), logs)
  })

  it('takes no command, no input and no deletion', async () => {
    await t.rejects(process.executeSessionCommand('entrypoint', { command: 'true' }), { kind: 'badRequest', status: 400, message: /can't execute command in entrypoint session/ })
    await t.rejects(process.sendSessionCommandInput('entrypoint', 'entrypoint_command', 'x'), { kind: 'badRequest', status: 400, message: /can't send input to entrypoint session/ })
    await t.rejects(process.deleteSession('entrypoint'), { kind: 'badRequest', status: 400, message: /can't delete entrypoint session/ })
  })

  it('ends its stream when the sandbox stops', async () => {
    const seen = follow((...callbacks) => process.getEntrypointLogs(...callbacks))
    await sandbox.stop()
    let ended = false
    seen.done.catch(() => {}).finally(() => (ended = true))
    await eventually('the stream ends', () => ended, { seconds: 20 })
    await sandbox.start()
    assert.equal((await process.getEntrypointSession()).sessionId, 'entrypoint')
  })
})
