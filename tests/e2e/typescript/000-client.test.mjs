// Construction of the client: credentials, endpoint, names that must resolve, the event connection.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { apiKey, apiUrl, eventually } from '../lib/api.mjs'
import { forEachSdk } from './lib/harness.mjs'
import { errorClass } from './lib/sdk.mjs'

/** Runs a script with this SDK in a process and a directory of its own. */
function runScript(sdk, directory, script, env) {
  return spawnSync(process.execPath, ['-e', script], {
    cwd: directory,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, E2E_MODULE: join(process.env.E2E_NODE_MODULES, sdk.name), ...env },
  })
}

async function inDirectory(files, body) {
  const directory = await mkdtemp(join(tmpdir(), 'e2e-ts-client-'))
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content)
    return await body(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const LIST_FIRST = `
  const { Daytona } = require(process.env.E2E_MODULE)
  ;(async () => {
    const daytona = new Daytona(JSON.parse(process.env.E2E_CONFIG || 'null') || undefined)
    for await (const sandbox of daytona.list({ limit: 1 })) { console.log('FOUND', typeof sandbox.id); break }
    console.log('DONE')
    process.exit(0)
  })().catch((error) => { console.log('FAILED', error.constructor.name, error.message); process.exit(3) })`

forEachSdk('client', (t) => {
  it('reads endpoint and key from the environment', () =>
    inDirectory({}, (directory) => {
      const result = runScript(t.sdk, directory, LIST_FIRST, { DAYTONA_API_URL: apiUrl, DAYTONA_API_KEY: apiKey })
      assert.equal(result.status, 0, result.stdout + result.stderr)
      assert.match(result.stdout, /DONE/)
    }))

  it('refuses to start without a credential', () =>
    inDirectory({}, (directory) => {
      const result = runScript(t.sdk, directory, LIST_FIRST, { DAYTONA_API_URL: apiUrl })
      assert.equal(result.status, 3)
      assert.match(result.stdout, /FAILED DaytonaA?\w*Error/)
    }))

  it('finds the endpoint ambiguous when a .env file names it too, unless it is passed', { skip: !t.sdk.modern }, () =>
    inDirectory({ '.env': `DAYTONA_API_URL=${apiUrl}\n` }, (directory) => {
      const env = { DAYTONA_API_URL: apiUrl, DAYTONA_API_KEY: apiKey }
      const ambiguous = runScript(t.sdk, directory, LIST_FIRST, env)
      assert.equal(ambiguous.status, 3, ambiguous.stdout)
      assert.match(ambiguous.stdout, /DaytonaInvalidArgumentError.*ambiguous/)
      const passed = runScript(t.sdk, directory, LIST_FIRST, { ...env, E2E_CONFIG: JSON.stringify({ apiUrl, apiKey }) })
      assert.equal(passed.status, 0, passed.stdout + passed.stderr)
    }))

  it('maps a wrong key to the authentication error on every call', async () => {
    const stranger = t.client({ apiKey: 'dtn_' + '0'.repeat(64) })
    const expected = { kind: 'authentication', status: 401, message: /invalid credentials/i }
    await t.rejects(stranger.create({ name: t.name('wrong-key') }), expected)
    await t.rejects(stranger.get('any'), expected)
    await t.rejects(stranger.list().next(), expected)
    await t.rejects(stranger.snapshot.list(), expected)
    await t.rejects(stranger.volume.list(), expected)
  })

  it('refuses an empty key locally', () => {
    assert.throws(
      () => new t.sdk.module.Daytona({ apiUrl, apiKey: undefined, jwtToken: 'eyJhbGciOi', organizationId: undefined }),
      (error) => error instanceof errorClass(t.sdk, 'any'),
    )
  })

  it('works with a trailing slash in neither, and a name that resolves in both, of its URLs', async () => {
    const sandbox = await t.create('resolve')
    for (const url of [apiUrl, sandbox.toolboxProxyUrl]) {
      assert.ok(!url.endsWith('/'), url)
      const { address } = await lookup(new URL(url).hostname)
      assert.ok(address, url)
    }
    assert.match(sandbox.toolboxProxyUrl, /^https?:\/\/[^/]+\/.*toolbox$/)
  })

  it('connects to the event gateway in the background', { skip: !t.sdk.modern }, async () => {
    const daytona = t.client()
    await daytona.get(t.name('nobody')).catch(() => undefined)
    await eventually('the client is connected', () => daytona.eventDispatcher.isConnected, { seconds: 20 })
    assert.equal(daytona.eventDispatcher.isFailed, false)
    assert.equal(daytona.eventDispatcher.failError, null)
  })

  it('works with events switched off', { skip: !t.sdk.modern }, async () => {
    const daytona = t.client({ useDeprecatedPolling: true })
    const name = t.name('polling')
    t.track(name)
    const sandbox = await daytona.create({ name })
    await t.reaches(sandbox, 'started')
    await sandbox.stop()
    await t.reaches(sandbox, 'stopped')
    await sandbox.start()
    await t.reaches(sandbox, 'started')
  })
})
