// Commands: results, environment, time-outs, sizes, odd output.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { eventually } from '../lib/api.mjs'
import { forEachSdk } from './lib/harness.mjs'

forEachSdk('exec', (t) => {
  let sandbox
  let run

  before(async () => {
    sandbox = await t.create('exec', { envVars: { FROM_CREATE: 'kept', OVERRIDDEN: 'old' } })
    run = (...args) => sandbox.process.executeCommand(...args)
  })

  it('returns output and exit code', async () => {
    const response = await run('echo hello')
    assert.equal(response.exitCode, 0)
    assert.equal(response.result, 'hello\n')
    assert.equal(response.artifacts.stdout, 'hello\n')
  })

  it('returns empty output of a silent command', async () => {
    const response = await run('true')
    assert.equal(response.exitCode, 0)
    assert.equal(response.result, '')
  })

  for (const code of [1, 2, 42, 126, 255]) {
    it(`returns exit code ${code}`, async () => {
      const response = await run(`echo before; exit ${code}; echo after`)
      assert.equal(response.exitCode, code)
      assert.equal(response.result, 'before\n')
    })
  }

  it('reports an unknown command by exit code 127 and a message', async () => {
    const response = await run('no-such-program-e2e')
    assert.equal(response.exitCode, 127)
    assert.match(response.result, /no-such-program-e2e/)
  })

  it('merges stderr into the result in order', async () => {
    const response = await run('echo one; echo two >&2; echo three')
    assert.equal(response.result, 'one\ntwo\nthree\n')
  })

  it('runs several lines, pipes, quotes and here-documents', async () => {
    const response = await run(`x="a  b"\nprintf '%s\\n' "$x" | tr a-z A-Z\ncat <<'END'\n$x is "not" expanded\nEND\n`)
    assert.equal(response.exitCode, 0)
    assert.equal(response.result, 'A  B\n$x is "not" expanded\n')
  })

  it('runs in the given directory', async () => {
    assert.equal((await run('pwd', '/tmp')).result, '/tmp\n')
    assert.equal((await run('pwd', '/')).result, '/\n')
  })

  it('resolves a relative directory against the work directory', async () => {
    const workDir = await sandbox.getWorkDir()
    await run('mkdir -p "rel dir/sub"')
    assert.equal((await run('pwd', 'rel dir/sub')).result, `${workDir.replace(/\/$/, '')}/rel dir/sub\n`)
  })

  it('reports a missing directory without failing the call', async () => {
    const response = await run('pwd', '/no/such/dir')
    assert.equal(response.exitCode, -1)
    assert.match(response.result, /no such file or directory/i)
  })

  it('adds variables to those of the sandbox', async () => {
    const env = { ADDED: 'new', OVERRIDDEN: 'new', SPACES: ' a  b ', UNICODE: 'ß→世界', DOLLAR: '$HOME `id` "q"', LINES: 'a\nb' }
    const response = await run('printf "[%s]" "$FROM_CREATE" "$ADDED" "$OVERRIDDEN" "$SPACES" "$UNICODE" "$DOLLAR" "$LINES"', undefined, env)
    assert.equal(response.result, '[kept][new][new][ a  b ][ß→世界][$HOME `id` "q"][a\nb]')
    assert.equal((await run('echo "$ADDED-$OVERRIDDEN"')).result, '-old\n')
  })

  it('refuses a variable name that is none', async () => {
    await t.rejects(run('true', undefined, { 'A-B': '1' }), { kind: 'badRequest', status: 400, message: /invalid environment variable name: 'A-B'/ })
  })

  it('ends a command at its time-out, with the time-out error, and kills it', async () => {
    const error = await t.rejects(run('echo $$ > timeout.pid; sleep 300', undefined, undefined, 1), { kind: 'executionTimeout', status: 408, message: /timeout/i })
    if (t.sdk.modern) assert.ok(error instanceof t.sdk.module.DaytonaTimeoutError)
    await eventually('the timed out process is gone', async () => (await run('kill -0 "$(cat timeout.pid)"')).exitCode !== 0)
  })

  it('kills the children of a command that timed out', async () => {
    await t.rejects(run('sleep 301 & echo $! > child.pid; wait', undefined, undefined, 1), { kind: 'executionTimeout', status: 408 })
    await eventually('the child is gone', async () => (await run('kill -0 "$(cat child.pid)"')).exitCode !== 0)
  })

  it('does not disturb a command that keeps its time', async () => {
    const response = await run('sleep 0.2; echo done', undefined, undefined, 60)
    assert.equal(response.result, 'done\n')
    assert.equal(response.exitCode, 0)
  })

  it('takes time-out 0 as none', async () => {
    assert.equal((await run('echo ok', undefined, undefined, 0)).result, 'ok\n')
  })

  it('returns 8 MiB of output complete', async () => {
    const { result, exitCode } = await run(`head -c 8388608 /dev/zero | tr '\\0' x; echo end`)
    assert.equal(exitCode, 0)
    assert.equal(result.length, 8388608 + 4)
    assert.ok(result.endsWith('xend\n'))
    assert.ok(/^x+end\n$/.test(result))
  })

  it('carries unicode both ways', async () => {
    const text = 'grüße, 世界 🌍 ‏שלום'
    assert.equal((await run(`printf '%s' '${text}'`)).result, text)
  })

  it('replaces bytes that are not UTF-8 instead of failing', async () => {
    assert.equal((await run(`printf 'a\\377b'`)).result, 'a\ufffdb')
  })

  it('keeps control characters and NUL in the output', async () => {
    assert.equal((await run(`printf 'a\\000b\\033[1mc\\r\\n\\tq"\\\\'`)).result, 'a\u0000b\u001b[1mc\r\n\tq"\\')
  })

  it('gives programs an end of input', async () => {
    const response = await run('cat')
    assert.equal(response.result, '')
    assert.equal(response.exitCode, 0)
  })

  it('runs a script of 300 KiB', async () => {
    const script = `${': filler filler filler\n'.repeat(14000)}echo reached`
    assert.ok(script.length > 300_000)
    assert.equal((await run(script)).result, 'reached\n')
  })

  it('answers while a background process with its own output lives on', async () => {
    const response = await run('sleep 302 > /dev/null 2>&1 & echo $! > back.pid; echo started')
    assert.equal(response.result, 'started\n')
    assert.equal((await run('kill "$(cat back.pid)"')).exitCode, 0)
  })

  it('answers when a background process keeps the output open', async () => {
    const response = await run('sleep 303 & echo $! > open.pid; echo started')
    assert.equal(response.exitCode, 0)
    assert.match(response.result, /^started\n/)
    await run('kill "$(cat open.pid)"')
  })

  it('reports a shell killed by a signal as -1', async () => {
    assert.equal((await run('kill -9 $$')).exitCode, -1)
  })

  it('refuses an empty and a blank command', async () => {
    await t.rejects(run(''), { kind: 'badRequest', status: 400 })
    await t.rejects(run(' \n\t '), { kind: 'badRequest', status: 400, message: /empty or whitespace/ })
  })

  it('keeps 20 simultaneous commands apart', async () => {
    const responses = await Promise.all(Array.from({ length: 20 }, (_, i) => run(`echo start-${i}; sleep 0.1; echo end-$N; exit ${i}`, undefined, { N: String(i) })))
    responses.forEach((response, i) => {
      assert.equal(response.result, `start-${i}\nend-${i}\n`)
      assert.equal(response.exitCode, i)
    })
  })

  it('keeps files between commands', async () => {
    await run('echo persisted > kept.txt')
    assert.equal((await run('cat kept.txt')).result, 'persisted\n')
  })

  it('runs as the user daytona, who may become root', async () => {
    assert.equal((await run('id -un')).result, 'daytona\n')
    assert.equal((await run('sudo -n id -u')).result, '0\n')
  })

  it('has the tools of the default image', async () => {
    const tools = 'python python3 pip node npm npx ts-node tsc git bash curl rg gcc make pylsp typescript-language-server'
    const { result } = await run(`for p in ${tools}; do command -v $p > /dev/null || echo "missing $p"; done`)
    assert.equal(result, '')
  })

  it('sees only its own processes', async () => {
    const { result } = await run('ls -d /proc/[0-9]* | wc -l')
    assert.ok(Number(result) > 0 && Number(result) < 40, `processes visible in the sandbox: ${result}`)
  })
})
