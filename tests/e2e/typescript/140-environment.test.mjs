// Directories, variables of the sandbox, metrics, and a server inside reached through its preview link.
import assert from 'node:assert/strict'
import http from 'node:http'
import { before, it } from 'node:test'
import { eventually } from '../lib/api.mjs'
import { forEachSdk } from './lib/harness.mjs'
import { openSession } from './lib/session.mjs'
import { Terminal } from './lib/terminal.mjs'

/** GET through the preview address; its name need not resolve here, only its port is connected to. */
function visit(url, headers = {}) {
  const { hostname, port, pathname, search, host } = new URL(url)
  return new Promise((resolve, reject) => {
    const address = hostname.endsWith('localhost') ? 'localhost' : hostname
    const request = http.get({ host: address, port, path: pathname + search, headers: { host, ...headers } }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk) => (body += chunk)).on('end', () => resolve({ status: response.statusCode, body }))
    })
    request.setTimeout(20_000, () => request.destroy(new Error('no answer within 20 s'))).on('error', reject)
  })
}

forEachSdk('environment', (t) => {
  let sandbox

  before(async () => {
    sandbox = await t.create('environment', { envVars: { FROM_CREATE: 'kept', LEAVES: 'soon' } })
  })

  it('tells the home and the work directory', async () => {
    const { result } = await sandbox.process.executeCommand('cd; pwd')
    assert.equal(await sandbox.getUserHomeDir(), result.trim())
    assert.equal(await sandbox.getUserRootDir(), result.trim())
    assert.equal(await sandbox.getWorkDir(), (await sandbox.process.executeCommand('pwd')).result.trim())
  })

  it('changes the variables of what starts later', { skip: t.sdk.modern ? false : 'not in this generation' }, async () => {
    const early = await openSession(sandbox, 'early')
    assert.equal(await sandbox.updateEnv({ ADDED: 'ü "1"', FROM_CREATE: 'changed' }, { unset: ['LEAVES', 'NEVER_SET'] }), undefined)
    const show = 'echo "$ADDED-$FROM_CREATE-$LEAVES"'
    assert.equal((await sandbox.process.executeCommand(show)).result, 'ü "1"-changed-\n')
    assert.equal((await sandbox.process.codeRun('import os; print(os.environ["ADDED"], os.environ.get("LEAVES"))')).result, 'ü "1" None\n')
    assert.equal((await (await openSession(sandbox, 'late')).run(show)).stdout, 'ü "1"-changed-\n')
    assert.equal((await early.run(show)).stdout, '-kept-soon\n')
    const terminal = await Terminal.create(sandbox, { id: t.name('env-pty') })
    assert.equal(await terminal.asks('echo "$ADDED-$FROM_CREATE-$LEAVES"'), 'ü "1"-changed-')
    await terminal.handle.kill()
    await sandbox.updateEnv({ SET: 'both' }, { unset: ['SET', 'ADDED'] })
    assert.equal((await sandbox.process.executeCommand('echo "$SET-$ADDED"')).result, 'both-\n')
  })

  it('measures itself', { skip: t.sdk.modern ? false : 'not in this generation' }, async () => {
    const metrics = await sandbox.getMetricsLatest()
    assert.equal(metrics.cpuCount, sandbox.cpu)
    assert.ok(metrics.cpuUsedPct >= 0 && metrics.cpuUsedPct <= 100, `cpu ${metrics.cpuUsedPct}`)
    assert.ok(metrics.memUsed > 0 && metrics.memUsed <= metrics.memTotal, `memory ${metrics.memUsed} of ${metrics.memTotal}`)
    assert.ok(metrics.diskUsed >= 0 && metrics.diskUsed <= metrics.diskTotal, `disk ${metrics.diskUsed} of ${metrics.diskTotal}`)
    assert.ok(Math.abs(new Date(metrics.timestamp) - Date.now()) < 3_600_000, String(metrics.timestamp))
  })

  it('reaches a server inside through its preview link', async () => {
    await sandbox.process.executeCommand('mkdir -p site && echo "from inside $FROM_CREATE" > "site/a page.txt"')
    const { start } = await openSession(sandbox, 'server')
    await start('cd site && exec python3 -m http.server 8123')
    const { url, token } = await sandbox.getPreviewLink(8123)
    const headers = { 'x-daytona-preview-token': token }
    await eventually('the server answers', async () => (await visit(url, headers)).status === 200, { seconds: 30 })
    assert.match((await visit(`${url}/a%20page.txt`, headers)).body, /^from inside /)
    assert.equal((await visit(`${url}/none`, headers)).status, 404)
    assert.ok([401, 403, 307, 302].includes((await visit(url)).status), 'a private port asks for a credential')
  })
})
