// SSH through proxy and runner: an HTTP upgrade with the API key, then OpenSSH's own client.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { apiKey } from '../lib/api.mjs'
import { sandboxes } from './setup.mjs'

const HELPER = fileURLToPath(new URL('../../ssh/upgrade.py', import.meta.url))

function client(program, words, key = apiKey) {
  return new Promise((resolve) => {
    const child = execFile(program, words, { env: { ...process.env, DAYTONA_API_KEY: key }, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, stdout, stderr }))
    child.stdin.end()
  })
}

describe('ssh', () => {
  const { create } = sandboxes('ssh')
  let sandbox
  let dir
  let options
  before(async () => {
    sandbox = await create()
    dir = await mkdtemp(join(tmpdir(), 'e2e-ssh-'))
    const helper = `python3 ${HELPER} ${sandbox.toolboxProxyUrl}/${sandbox.id}`
    options = ['-F', 'none', '-o', `ProxyCommand=${helper}`, '-o', 'StrictHostKeyChecking=accept-new',
      '-o', `UserKnownHostsFile=${join(dir, 'known')}`, '-o', 'IdentityAgent=none', '-o', 'LogLevel=ERROR']
  })
  after(() => rm(dir, { recursive: true, force: true }))

  it('runs commands as the sandbox user with their real status', async () => {
    const ran = await client('ssh', [...options, 'daytona@box', 'id -un; echo err >&2; exit 9'])
    assert.deepEqual(ran, { code: 9, stdout: 'daytona\n', stderr: 'err\n' })
  })

  it('gives terminals', async () => {
    const ran = await client('ssh', [...options, '-tt', 'daytona@box', 'tty; exit 3'])
    assert.equal(ran.code, 3)
    assert.match(ran.stdout, /^\/dev\/pts\/\d+\r\n$/)
  })

  it('carries files', async () => {
    const bytes = randomBytes(5_000_000)
    await writeFile(join(dir, 'from'), bytes)
    assert.equal((await client('scp', [...options, join(dir, 'from'), 'daytona@box:there'])).code, 0)
    assert.equal((await client('scp', [...options, 'daytona@box:there', join(dir, 'back')])).code, 0)
    assert.deepEqual(await readFile(join(dir, 'back')), bytes)
  })

  it('is closed to those without a key', async () => {
    const ran = await client('ssh', [...options, 'daytona@box', 'true'], 'wrong')
    assert.equal(ran.code, 255)
    assert.match(ran.stderr, /401/)
  })
})
