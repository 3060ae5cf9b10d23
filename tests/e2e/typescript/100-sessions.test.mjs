// Sessions: one shell whose state outlives its commands; what ends a command, and what must never end the session.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { eventually, unique } from '../lib/api.mjs'
import { UUID, forEachSdk } from './lib/harness.mjs'
import { openSession } from './lib/session.mjs'

forEachSdk('sessions', (t) => {
  let sandbox
  let process
  const session = (test) => openSession(sandbox, test)

  before(async () => {
    sandbox = await t.create('sessions', { envVars: { FROM_CREATE: 'kept' } })
    process = sandbox.process
  })

  it('are created, found, listed and deleted', async () => {
    const id = unique('session', 'life')
    assert.equal(await process.createSession(id), undefined)
    assert.deepEqual(await process.getSession(id), { sessionId: id, commands: [] })
    assert.ok((await process.listSessions()).some(({ sessionId }) => sessionId === id))
    assert.equal(await process.deleteSession(id), undefined)
    assert.ok(!(await process.listSessions()).some(({ sessionId }) => sessionId === id))
    await t.rejects(process.getSession(id), { kind: 'notFound', status: 404, message: /session not found/ })
    await process.createSession(id)
    await process.deleteSession(id)
  })

  it('refuse an id that is taken, reserved, empty or a path', async () => {
    const { id } = await session('taken')
    await t.rejects(process.createSession(id), { kind: 'conflict', status: 409, message: /session already exists/ })
    await t.rejects(process.createSession('entrypoint'), { kind: 'badRequest', status: 400, message: /reserved/ })
    for (const bad of ['', 'a/b', '..', '../x']) await t.rejects(process.createSession(bad), { kind: 'badRequest', status: 400 })
  })

  it('refuse what names no session or no command', async () => {
    const known = await session('known')
    const nobody = unique('session', 'nobody')
    await t.rejects(process.deleteSession(nobody), { kind: 'notFound', status: 404, message: /session not found/ })
    await t.rejects(process.executeSessionCommand(nobody, { command: 'true' }), { kind: 'notFound', status: 404, message: /session not found/ })
    await t.rejects(process.getSessionCommand(nobody, 'x'), { kind: 'notFound', status: 404, message: /session not found/ })
    await t.rejects(known.command('x'), { kind: 'notFound', status: 404, message: /command not found/ })
    await t.rejects(known.logs('x'), { kind: 'notFound', status: 404 })
    await t.rejects(known.input('x', 'data'), { kind: 'notFound', status: 404 })
  })

  it('refuse blank commands', async () => {
    const { run } = await session('blank')
    for (const command of ['', ' \n\t']) await t.rejects(run(command), { kind: 'badRequest', status: 400 })
    assert.equal((await run('echo fine')).stdout, 'fine\n')
  })

  it('answer a command with its id, exit code and both streams', async () => {
    const { run } = await session('answer')
    const response = await run('echo out; echo err >&2; (exit 3)')
    assert.match(response.cmdId, UUID)
    assert.equal(response.exitCode, 3)
    assert.equal(response.stdout, 'out\n')
    assert.equal(response.stderr, 'err\n')
    assert.deepEqual([...response.output.matchAll(/([\x01\x02])\1\1(\w+)\n/g)].map(([, mark, text]) => [mark, text]).sort(), [['\x01', 'out'], ['\x02', 'err']])
    const silent = await run('true')
    assert.deepEqual([silent.exitCode, silent.stdout, silent.stderr], [0, '', ''])
  })

  for (const [command, code] of [['true', 0], ['false', 1], ['(exit 42)', 42], ['return 7', 7], ['no-such-program-e2e', 127], ['sh -c "exit 255"', 255], ['sh -c "kill -9 \\$\\$"', 137]]) {
    it(`report exit code ${code} of ${command}`, async () => {
      const { run } = await session('exit-code')
      assert.equal((await run(command)).exitCode, code)
      assert.equal((await run('echo on')).stdout, 'on\n')
    })
  }

  it('start in the work directory with the variables of the sandbox', async () => {
    const { run } = await session('start')
    assert.equal((await run('pwd')).stdout, `${await sandbox.getWorkDir()}\n`)
    assert.equal((await run('echo $FROM_CREATE')).stdout, 'kept\n')
  })

  it('keep directory, variables, functions, options and the mask of files', async () => {
    const { run } = await session('state')
    await run('mkdir -p /tmp/state-e2e && cd /tmp/state-e2e')
    assert.equal((await run('pwd')).stdout, '/tmp/state-e2e\n')
    await run('export EXPORTED="a  b"; plain=mine; greet() { echo "hello $1"; }')
    assert.equal((await run('echo "$EXPORTED-$plain"; sh -c \'echo "$EXPORTED"\'; greet you')).stdout, 'a  b-mine\na  b\nhello you\n')
    await run('umask 077; set -f')
    assert.equal((await run('touch masked; stat -c %a masked; echo *')).stdout, '600\n*\n')
    assert.equal((await run('true; false')).exitCode, 1)
    assert.equal((await run('echo "$?"')).exitCode, 0)
  })

  it('leave the names of the user alone', async () => {
    const { run } = await session('names')
    const names = ['log', 'dir', 'sp', 'ep', 'ip', 'r1', 'r2', 'ip_pid', '_ec']
    await run(names.map((name) => `${name}=mine`).join('; '))
    await run('cleanup() { echo mine; }')
    assert.equal((await run(`${names.map((name) => `printf '%s ' "$${name}"`).join('; ')}; cleanup`)).stdout, `${'mine '.repeat(names.length)}mine\n`)
  })

  it('are kept apart', async () => {
    const [one, two] = [await session('one'), await session('two')]
    await Promise.all([one.run('cd /tmp; x=1'), two.run('cd /; x=2')])
    assert.equal((await one.run('pwd; echo $x')).stdout, '/tmp\n1\n')
    assert.equal((await two.run('pwd; echo $x')).stdout, '/\n2\n')
  })

  it('run several lines and here-documents', async () => {
    const { run } = await session('heredoc')
    const { stdout, exitCode } = await run('v=x\ncat <<EOF\nexpanded $v\n\'quote" `echo tick`\nEOF\ncat <<\'RAW\'\nraw $v \\n\nRAW\nfor i in 1 2; do\n  echo $i\ndone')
    assert.equal(stdout, 'expanded x\n\'quote" tick\nraw $v \\n\n1\n2\n')
    assert.equal(exitCode, 0)
  })

  for (const broken of ['echo "never ends', "echo 'never ends", 'echo `never', 'echo $(never', 'if true; then', 'for i in 1', '(echo', '}', 'cat <<EOF\nno end', 'echo \\']) {
    it(`survive ${JSON.stringify(broken)}`, async () => {
      const { run } = await session('broken')
      const response = await run(broken)
      assert.ok(Number.isInteger(response.exitCode), 'it ended')
      if (!/EOF|\\$/.test(broken)) assert.notEqual(response.exitCode, 0)
      const next = await run('echo still here; false')
      assert.deepEqual([next.stdout, next.exitCode], ['still here\n', 1])
    })
  }

  for (const [command, code] of [['echo bye; exit 3', 3], ['exit', 0], ['set -e; false; echo never', 1], ['exec sh -c "echo bye; exit 5"', 5], ['kill -9 $$', 137]]) {
    it(`report the end of the shell by ${JSON.stringify(command)} as that of the command`, async () => {
      const { run, close } = await session('shell-end')
      const response = await run(command)
      // A shell that was killed has no exit code of its own: -1, or 128 and the signal.
      if (code === 137) assert.ok([-1, 137].includes(response.exitCode), `exit code ${response.exitCode}`)
      else assert.equal(response.exitCode, code)
      assert.equal(response.stdout, /bye/.test(command) ? 'bye\n' : '')
      const error = await t.rejects(run('echo after'), { kind: 'any' })
      assert.ok(error.statusCode >= 400 && error.statusCode < 500, `status ${error.statusCode}: ${error.message}`)
      await close()
    })
  }

  it('give programs an end of input', async () => {
    const { run } = await session('eof')
    assert.equal((await run('cat; echo read')).stdout, 'read\n')
    assert.equal((await run('echo next')).stdout, 'next\n')
  })

  it('answer while a child with its own output lives on, and still know it', async () => {
    const { run } = await session('child')
    assert.equal((await run('sleep 330 > /dev/null 2>&1 < /dev/null & echo started')).stdout, 'started\n')
    assert.equal((await run('kill -0 $! && echo alive; kill $!')).stdout, 'alive\n')
  })

  it('carry unicode, control characters and what is not UTF-8', async () => {
    const { run } = await session('bytes')
    assert.equal((await run("printf '%s\\n' 'grüße, 世界 🌍'")).stdout, 'grüße, 世界 🌍\n')
    assert.equal((await run("printf 'a\\r\\tb\\033[1m\"\\\\\\n'")).stdout, 'a\r\tb\u001b[1m"\\\n')
    assert.equal((await run("printf 'a\\377b\\n'")).stdout, 'a\ufffdb\n')
    assert.match((await run("printf 'a\\000b\\n'")).stdout, /^a\0?b\n$/)
    assert.match((await run("printf 'no newline'")).stdout, /^no newline\n?$/)
    assert.equal((await run("printf '\\001\\001\\001x\\n\\002\\002\\002y\\n'; (exit 9)")).exitCode, 9)
    assert.equal((await run('echo on')).stdout, 'on\n')
  })

  it('return 6 MB of output complete, and bytes at random', async () => {
    const { run, logs } = await session('large')
    const response = await run('seq 1 900000')
    const expected = Array.from({ length: 900_000 }, (_, i) => `${i + 1}\n`).join('')
    assert.ok(response.stdout === expected, `${response.stdout.length} of ${expected.length} characters`)
    assert.ok((await logs(response.cmdId)).stdout === expected)
    assert.equal((await run('head -c 2000000 /dev/urandom | tee random.bin; true')).exitCode, 0)
    assert.equal((await run('stat -c %s random.bin')).stdout, '2000000\n')
  })

  it('run a command of 300 KiB', async () => {
    const { run } = await session('long')
    assert.equal((await run(`${': filler filler filler\n'.repeat(14000)}echo reached`)).stdout, 'reached\n')
  })

  it('run commands one after another, however they were sent', async () => {
    const { run, start, ended, logs } = await session('order')
    const first = await start('sleep 0.4; echo first >> order.txt; echo done')
    const second = await start('echo second >> order.txt')
    assert.equal((await logs(second)).output, '')
    assert.equal((await run('cat order.txt')).stdout, 'first\nsecond\n')
    assert.equal(await ended(first), 0)
    assert.equal(await ended(second), 0)
  })

  it('answer an asynchronous command at once and tell its end later', async () => {
    const { start, submit, command, input, ended, logs } = await session('async')
    const cmdId = await start('echo waiting; read line; echo "got $line"; (exit 4)')
    assert.match(cmdId, UUID)
    const running = await command(cmdId)
    assert.equal(running.id, cmdId)
    assert.match(running.command, /^echo waiting/)
    assert.ok(running.exitCode === undefined || running.exitCode === null)
    await eventually('its output shows', async () => (await logs(cmdId)).stdout.includes('waiting'))
    await input(cmdId, 'some text')
    assert.equal(await ended(cmdId), 4)
    assert.equal((await logs(cmdId)).stdout, 'waiting\nsome text\ngot some text\n')
    const answer = await submit('true', { runAsync: true })
    assert.ok(answer.exitCode === null || answer.exitCode === undefined)
    assert.deepEqual([answer.stdout, answer.stderr], ['', ''])
  })

  it('take the old name of runAsync', async () => {
    const { submit, ended } = await session('old-name')
    const { cmdId, exitCode } = await submit('sleep 0.3; (exit 6)', { async: true })
    assert.ok(exitCode === null || exitCode === undefined)
    assert.equal(await ended(cmdId), 6)
  })

  it('do not echo input when asked not to', async () => {
    const { start, input, ended, logs } = await session('no-echo')
    const cmdId = await start('read a; read b; echo "$a+$b"', { suppressInputEcho: true })
    await input(cmdId, 'one\n')
    await input(cmdId, 'zwei ü')
    assert.equal(await ended(cmdId), 0)
    assert.equal((await logs(cmdId)).stdout, 'one+zwei ü\n')
  })

  it('refuse input without text and input for a command that has ended', async () => {
    const { start, input, ended } = await session('bad-input')
    const cmdId = await start('read line; echo "$line"')
    await t.rejects(input(cmdId, ''), { kind: 'badRequest', status: 400 })
    await input(cmdId, 'x')
    assert.equal(await ended(cmdId), 0)
    await t.rejects(input(cmdId, 'late'), { kind: 'gone', status: 410, message: /completed/ })
  })

  it('list their commands with exit codes', async () => {
    const { id, run, start, input, ended } = await session('commands')
    await run('true')
    await run('false')
    const waiting = await start('read x')
    const before = (await process.getSession(id)).commands
    assert.deepEqual(before.map(({ command, exitCode }) => [command, exitCode ?? null]).sort(), [['false', 1], ['read x', null], ['true', 0]])
    assert.ok(before.every((command) => UUID.test(command.id)))
    await input(waiting, 'x')
    await ended(waiting)
    const listed = (await process.listSessions()).find(({ sessionId }) => sessionId === id)
    assert.deepEqual(listed.commands.map(({ command, exitCode }) => [command, exitCode]).sort(), [['false', 1], ['read x', 0], ['true', 0]])
  })

  it('end all their processes when they are deleted', async () => {
    const { start, logs, close } = await session('delete')
    const cmdId = await start('sleep 331 & echo "pid $!"; (trap "" TERM; sleep 332) & echo "pid $!"; wait')
    let pids = []
    await eventually('both children tell their ids', async () => {
      pids = [...(await logs(cmdId)).stdout.matchAll(/pid (\d+)/g)].map(([, pid]) => pid)
      return pids.length === 2
    })
    await close()
    const { result } = await process.executeCommand(`for p in ${pids.join(' ')}; do kill -0 $p 2> /dev/null && echo $p; done; true`)
    assert.equal(result, '')
  })

  it('fail the call that waits when they are deleted', async () => {
    const { id, run, start, logs, close } = await session('cancel')
    const first = await start('echo up; sleep 333')
    const waiting = t.rejects(run('echo never'), { kind: 'any', message: /./ })
    await eventually('the first command runs', async () => (await logs(first)).stdout === 'up\n')
    await close()
    await waiting
    await t.rejects(process.getSession(id), { kind: 'notFound', status: 404 })
  })

  it('go on when the client gives up waiting', async () => {
    const { id, run } = await session('give-up')
    await t.rejects(process.executeSessionCommand(id, { command: 'sleep 1.5; echo finished > gave-up.txt' }, 1), { kind: 'any' })
    assert.equal((await run('cat gave-up.txt')).stdout, 'finished\n')
  })

  it('serve 20 sessions with 10 commands each at once', async () => {
    await Promise.all(Array.from({ length: 20 }, async (_, i) => {
      const { run, close } = await session(`many-${i}`)
      await run(`n=${i}`)
      for (let k = 0; k < 10; k += 1) {
        const { stdout, exitCode } = await run(`echo "$n:${k}"; n=$n; (exit ${k})`)
        assert.deepEqual([stdout, exitCode], [`${i}:${k}\n`, k])
      }
      await close()
    }))
  })
})
