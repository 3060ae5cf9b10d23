// One sandbox through its life: reading, changing, stopping, starting, deleting.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { api, eventually, gone } from '../lib/api.mjs'
import { forEachSdk, isIsoInstant } from './lib/harness.mjs'

forEachSdk('lifecycle', (t) => {
  it('is found by id and by name', async () => {
    const created = await t.create('get')
    const byId = await t.daytona.get(created.id)
    const byName = await t.daytona.get(created.name)
    for (const found of [byId, byName]) {
      assert.equal(found.id, created.id)
      assert.equal(found.name, created.name)
      await t.reaches(found, 'started')
      assert.deepEqual(found.labels, created.labels)
      assert.equal(found.toolboxProxyUrl, created.toolboxProxyUrl)
      assert.equal((await found.process.executeCommand('echo ok')).result, 'ok\n')
    }
  })

  it('is not found by an unknown id or name', async () => {
    for (const missing of ['00000000-0000-4000-8000-000000000000', 'no-such-name', 'nö such näme', '%00', '../x']) {
      const error = await t.rejects(t.daytona.get(missing), { kind: 'notFound', status: 404 })
      if (/^[\w-]+$/.test(missing)) assert.match(error.message, new RegExp(`Sandbox with ID or name ${missing} not found`))
    }
  })

  it('replaces its labels', async () => {
    const sandbox = await t.create('labels', { labels: { old: '1' } })
    const labels = { a: 'b', unicode: 'ü世', quotes: `"'{}`, empty: '' }
    assert.deepEqual(await sandbox.setLabels(labels), labels)
    assert.deepEqual(sandbox.labels, labels)
    assert.deepEqual((await t.daytona.get(sandbox.id)).labels, labels)
    assert.deepEqual(await sandbox.setLabels({}), {})
    assert.deepEqual((await t.daytona.get(sandbox.id)).labels, {})
  })

  it('changes its three intervals', async () => {
    const sandbox = await t.create('intervals')
    const read = () => t.daytona.get(sandbox.id)
    for (const minutes of [60, 0, 1]) {
      await sandbox.setAutostopInterval(minutes)
      assert.equal(sandbox.autoStopInterval, minutes)
      assert.equal((await read()).autoStopInterval, minutes)
    }
    await sandbox.setAutoArchiveInterval(90)
    assert.equal((await read()).autoArchiveInterval, 90)
    for (const minutes of [60, -1]) {
      await sandbox.setAutoDeleteInterval(minutes)
      assert.equal((await read()).autoDeleteInterval, minutes)
    }
    const kind = t.sdk.modern ? 'invalidArgument' : 'any'
    await t.rejects(sandbox.setAutostopInterval(-1), { kind })
    await t.rejects(sandbox.setAutoArchiveInterval(-1), { kind })
    assert.equal((await read()).autoStopInterval, 1)
  })

  it('records activity', async () => {
    const sandbox = await t.create('activity')
    await sandbox.refreshActivity()
    await sandbox.refreshData()
    assert.ok(isIsoInstant(sandbox.lastActivityAt), sandbox.lastActivityAt)
    await t.reaches(sandbox, 'started')
  })

  it('becomes public and private through the API client', async () => {
    const sandbox = await t.create('public')
    for (const value of [true, false]) {
      await t.daytona.sandboxApi.updatePublicStatus(sandbox.id, value)
      assert.equal((await t.daytona.get(sandbox.id)).public, value)
    }
  })

  it('has preview links with a token that survives in a host name', async () => {
    const sandbox = await t.create('preview')
    const link = await sandbox.getPreviewLink(3000)
    assert.equal(link.sandboxId, sandbox.id)
    const url = new URL(link.url)
    assert.match(url.protocol, /^https?:$/)
    assert.ok(url.hostname.startsWith(`3000-${sandbox.id}`), link.url)
    assert.match(link.token, /^[a-z0-9-]{16,}$/)
    assert.equal((await sandbox.getPreviewLink(3000)).token, link.token)
    assert.match((await sandbox.getPreviewLink(65535)).url, /\/\/65535-/)
    for (const port of [0, 65536, -1]) await t.rejects(sandbox.getPreviewLink(port), { kind: 'badRequest', status: 400, message: /Invalid port/ })
  })

  it('renews its preview token at a start', async () => {
    const sandbox = await t.create('preview-renewal')
    const before = (await sandbox.getPreviewLink(3000)).token
    await sandbox.stop()
    await sandbox.start()
    assert.notEqual((await sandbox.getPreviewLink(3000)).token, before)
  })

  it('tells its directories', async () => {
    const sandbox = await t.create('directories')
    const home = await sandbox.getUserHomeDir()
    const work = await sandbox.getWorkDir()
    assert.match(home, /^\//)
    assert.match(work, /^\//)
    assert.equal((await sandbox.process.executeCommand('cd; pwd')).result.trim(), home)
    assert.equal((await sandbox.process.executeCommand('pwd')).result.trim(), work)
    assert.equal(await sandbox.getUserRootDir(), home)
  })

  it('keeps its disk, environment and identity over stop and start, and nothing that ran', async () => {
    const sandbox = await t.create('restart', { envVars: { KEPT: 'yes' } })
    const exec = (command) => sandbox.process.executeCommand(command)
    await exec('mkdir -p data; head -c 300000 /dev/urandom > data/random; chmod 640 data/random; ln -s data/random link; echo in-tmp > /tmp/kept')
    await exec('sudo -n sh -c "echo root-made > /etc/e2e-marker"')
    const sum = (await exec('sha256sum < data/random')).result
    await exec('nohup sleep 304 > /dev/null 2>&1 & echo $! > pid')

    await sandbox.stop()
    await t.reaches(sandbox, 'stopped')
    const stopped = await t.daytona.get(sandbox.id)
    await t.reaches(stopped, 'stopped')
    if (t.sdk.modern) assert.equal(stopped.desiredState, 'stopped')
    await assert.rejects(exec('echo not running'), t.sdk.module.DaytonaError)

    await sandbox.start()
    await t.reaches(sandbox, 'started')
    assert.equal((await exec('sha256sum < data/random')).result, sum)
    assert.equal((await exec('sha256sum < link; stat -c %a data/random')).result, `${sum}640\n`)
    assert.equal((await exec('cat /tmp/kept')).result, 'in-tmp\n')
    assert.equal((await exec('cat /etc/e2e-marker')).result, 'root-made\n')
    assert.equal((await exec('echo $KEPT')).result, 'yes\n')
    assert.equal((await exec('pgrep -f "sleep 304" | grep -v $$ || echo none')).result, 'none\n')
    assert.equal((await t.daytona.get(sandbox.id)).name, sandbox.name)
  })

  it('stops and starts three times in a row', async () => {
    const sandbox = await t.create('cycles')
    for (let cycle = 0; cycle < 3; cycle += 1) {
      await sandbox.process.executeCommand(`echo ${cycle} >> log`)
      await sandbox.stop()
      await sandbox.start()
    }
    assert.equal((await sandbox.process.executeCommand('cat log')).result, '0\n1\n2\n')
  })

  it('stops by force', async () => {
    const sandbox = await t.create('force')
    await sandbox.process.executeCommand(`echo kept > kept; (trap '' TERM; sleep 305) > /dev/null 2>&1 &`)
    await sandbox.stop(60, true)
    await t.reaches(sandbox, 'stopped')
    await sandbox.start()
    assert.equal((await sandbox.process.executeCommand('cat kept')).result, 'kept\n')
  })

  it('refuses a second stop and takes a second start as done', async () => {
    const sandbox = await t.create('twice')
    const again = await t.daytona.get(sandbox.id)
    await again.start()
    await t.reaches(again, 'started')
    await sandbox.stop()
    await t.rejects(sandbox.stop(), { kind: 'badRequest', status: 400, message: /not in a stoppable state/ })
    assert.equal((await t.daytona.get(sandbox.id)).state, 'stopped')
  })

  it('can be found, labelled and configured while it is stopped', async () => {
    const sandbox = await t.create('stopped')
    await sandbox.stop()
    await sandbox.setLabels({ while: 'stopped' })
    await sandbox.setAutostopInterval(45)
    const read = await t.daytona.get(sandbox.name)
    await t.reaches(read, 'stopped')
    assert.deepEqual(read.labels, { while: 'stopped' })
    assert.equal(read.autoStopInterval, 45)
    assert.match(read.toolboxProxyUrl, /^http/)
  })

  it('is gone after its deletion, by id, name, list and toolbox', async () => {
    const sandbox = await t.create('delete', { labels: { 'e2e-delete': t.name('delete') } })
    const label = { 'e2e-delete': sandbox.labels['e2e-delete'] }
    const { name } = sandbox
    await sandbox.delete()
    await gone(sandbox.id)
    await t.rejects(t.daytona.get(sandbox.id), { kind: 'notFound', status: 404 })
    await t.rejects(t.daytona.get(name), { kind: 'notFound', status: 404 })
    await t.rejects(sandbox.refreshData(), { kind: 'notFound', status: 404 })
    await t.rejects(sandbox.process.executeCommand('true'), { kind: 'notFound', status: 404 })
    await t.rejects(t.daytona.sandboxApi.deleteSandbox(sandbox.id), { kind: 'notFound', status: 404 })
    for await (const other of t.daytona.list({ labels: label })) assert.fail(`still listed: ${other.id}`)
  })

  it('can be waited for until it is destroyed', { skip: !t.sdk.modern }, async () => {
    const sandbox = await t.create('delete-wait')
    await sandbox.delete(60, true)
    await t.reaches(sandbox, 'destroyed')
    assert.equal((await api('GET', `/sandbox/${sandbox.id}`)).status, 404)
  })

  it('can be deleted while it is stopped', async () => {
    const sandbox = await t.create('delete-stopped')
    await sandbox.stop()
    await sandbox.delete()
    await gone(sandbox.id)
  })

  it('goes when it is ephemeral and stops', async () => {
    const sandbox = await t.create('ephemeral-stop', { ephemeral: true })
    const { name } = sandbox
    await sandbox.stop()
    assert.ok(['destroyed', 'stopped'].includes(sandbox.state), sandbox.state)
    await gone(sandbox.id)
    await t.rejects(t.daytona.get(name), { kind: 'notFound', status: 404 })
  })

  it('serves commands the moment start returns', async () => {
    const sandbox = await t.create('immediate')
    await sandbox.stop()
    await sandbox.start()
    const results = await Promise.all(Array.from({ length: 5 }, (_, i) => sandbox.process.executeCommand(`echo ${i}`)))
    assert.deepEqual(results.map((response) => response.result), ['0\n', '1\n', '2\n', '3\n', '4\n'])
  })

  it('learns of a change made by another client through an event', { skip: !t.sdk.modern }, async () => {
    const watcher = t.client()
    const sandbox = await t.create('watched')
    const watched = await watcher.get(sandbox.id)
    await eventually('the watching client is connected', () => watcher.eventDispatcher.isConnected, { seconds: 20 })
    await sandbox.stop()
    await eventually('the object of the other client shows it', () => watched.state === 'stopped', { seconds: 20 })
    await sandbox.start()
    await eventually('and the start', () => watched.state === 'started', { seconds: 20 })
  })
})
