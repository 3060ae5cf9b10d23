// The SDK where it may set no headers on WebSockets (browsers, workers, functions): every socket of the toolbox by query and sub-protocol.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { forEachSdk } from './lib/harness.mjs'

forEachSdk('without headers on sockets', (t) => {
  it('follows logs, runs code and opens terminals', async () => {
    const sandbox = await t.create('serverless')
    const program = fileURLToPath(new URL('./lib/serverless.mjs', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [program, t.sdk.name, sandbox.id], { env: { ...process.env, VERCEL: '1' }, timeout: 60_000 })
    assert.deepEqual(JSON.parse(stdout), {
      logs: { stdout: 'from-session\n', stderr: 'to-stderr\n' },
      stdout: '42\n',
      answer: 'ü',
      exitCode: 3,
    })
  })
})
