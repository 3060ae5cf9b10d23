// Creation of sandboxes: defaults, every field, and what must be refused.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { api, runLabels } from '../lib/api.mjs'
import { UUID, forEachSdk, isIsoInstant } from './lib/harness.mjs'

forEachSdk('create', (t) => {
  let config

  before(async () => {
    config = (await api('GET', '/config')).json
  })

  it('gives a started sandbox with the documented defaults', async () => {
    const sandbox = await t.daytona.create()
    t.track(sandbox.id)
    assert.match(sandbox.id, UUID)
    assert.equal(sandbox.name, sandbox.id)
    await t.reaches(sandbox, 'started')
    if (t.sdk.modern) assert.equal(sandbox.desiredState, 'started')
    assert.equal(sandbox.snapshot, config.defaultSnapshot)
    assert.equal(sandbox.user, 'daytona')
    assert.equal(sandbox.public, false)
    assert.equal(sandbox.networkBlockAll, false)
    assert.deepEqual(sandbox.env, {})
    assert.deepEqual(sandbox.labels, { 'code-toolbox-language': 'python' })
    assert.deepEqual(sandbox.volumes ?? [], [])
    assert.equal(sandbox.autoStopInterval, 15)
    assert.equal(sandbox.autoArchiveInterval, 10080)
    assert.equal(sandbox.autoDeleteInterval, -1)
    assert.equal(sandbox.gpu, 0)
    for (const resource of ['cpu', 'memory', 'disk']) {
      assert.ok(Number.isInteger(sandbox[resource]) && sandbox[resource] > 0, `${resource}: ${sandbox[resource]}`)
    }
    assert.match(sandbox.organizationId, /\S/)
    assert.match(sandbox.target, /\S/)
    assert.equal(sandbox.backupState, 'None')
    assert.ok(!sandbox.errorReason)
    assert.ok(isIsoInstant(sandbox.createdAt), sandbox.createdAt)
    assert.ok(isIsoInstant(sandbox.updatedAt), sandbox.updatedAt)
  })

  it('stores and returns every field', async () => {
    const name = t.name('fields')
    const params = {
      name,
      language: 'typescript',
      envVars: { PLAIN: 'value', WITH_SPACE: 'a b  c', UNICODE: 'grüße 世界', EMPTY: '', EQUALS: 'a=b=c', QUOTES: `"'\`$HOME` },
      labels: { purpose: 'e2e', 'with space': 'v v', unicode: 'ü' },
      public: true,
      autoStopInterval: 30,
      autoArchiveInterval: 60,
      autoDeleteInterval: 120,
      user: 'daytona',
    }
    const created = await t.create('fields', params)
    const read = await t.client().get(created.id)
    for (const sandbox of [created, read]) {
      assert.equal(sandbox.name, name)
      assert.deepEqual(sandbox.env, params.envVars)
      assert.deepEqual(sandbox.labels, { ...params.labels, ...runLabels, 'code-toolbox-language': 'typescript' })
      assert.equal(sandbox.public, true)
      assert.equal(sandbox.autoStopInterval, 30)
      assert.equal(sandbox.autoArchiveInterval, 60)
      assert.equal(sandbox.autoDeleteInterval, 120)
      assert.equal(sandbox.user, 'daytona')
    }
    assert.equal(read.id, created.id)
    await t.reaches(read, 'started')
    const { result } = await created.process.executeCommand('printf "%s|" "$PLAIN" "$WITH_SPACE" "$UNICODE" "$EMPTY" "$EQUALS" "$QUOTES"')
    assert.equal(result, `value|a b  c|grüße 世界||a=b=c|"'\`$HOME|`)
  })

  for (const language of ['python', 'typescript', 'javascript']) {
    it(`keeps the language ${language} as a label`, async () => {
      const sandbox = await t.create(`lang-${language}`, { language })
      assert.equal(sandbox.labels['code-toolbox-language'], language)
      assert.equal((await t.daytona.get(sandbox.id)).labels['code-toolbox-language'], language)
    })
  }

  it('refuses an unknown language locally', async () => {
    await t.rejects(t.daytona.create({ language: 'cobol' }), { kind: t.sdk.modern ? 'invalidArgument' : 'any', message: /cobol/ })
  })

  it('makes an ephemeral sandbox by auto-delete 0', async () => {
    const sandbox = await t.create('ephemeral', { ephemeral: true })
    assert.equal(sandbox.autoDeleteInterval, 0)
    assert.equal((await t.daytona.get(sandbox.id)).autoDeleteInterval, 0)
  })

  it('takes auto-archive 0 as the maximum and clamps what is above it', async () => {
    const zero = await t.create('archive-zero', { autoArchiveInterval: 0 })
    const above = await t.create('archive-above', { autoArchiveInterval: config.maxAutoArchiveInterval + 1 })
    assert.equal((await t.daytona.get(zero.id)).autoArchiveInterval, config.maxAutoArchiveInterval)
    assert.equal((await t.daytona.get(above.id)).autoArchiveInterval, config.maxAutoArchiveInterval)
  })

  it('takes auto-stop 0 as off', async () => {
    const sandbox = await t.create('stop-zero', { autoStopInterval: 0 })
    assert.equal((await t.daytona.get(sandbox.id)).autoStopInterval, 0)
  })

  it('accepts the snapshot by name and by id, and answers with its name', async () => {
    const { items } = await t.daytona.snapshot.list()
    const snapshot = items.find((item) => item.name === config.defaultSnapshot)
    assert.ok(snapshot, 'the default snapshot is listed')
    const byName = await t.create('snapshot-name', { snapshot: snapshot.name })
    const byId = await t.create('snapshot-id', { snapshot: snapshot.id })
    assert.equal(byName.snapshot, snapshot.name)
    assert.equal(byId.snapshot, snapshot.name)
    assert.equal(byName.cpu, snapshot.cpu)
    assert.equal(byName.memory, snapshot.mem)
    assert.equal(byName.disk, snapshot.disk)
  })

  it('refuses resources together with a snapshot', async () => {
    await t.rejects(t.create('resources', { snapshot: config.defaultSnapshot, resources: { cpu: 2 } }), {
      kind: 'badRequest',
      status: 400,
      message: /Cannot specify Sandbox resources when using a snapshot/,
    })
  })

  it('refuses an unknown snapshot', async () => {
    await t.rejects(t.create('no-snapshot', { snapshot: 'no-such-snapshot:1' }), {
      kind: 'badRequest',
      status: 400,
      message: /Snapshot no-such-snapshot:1 not found/,
    })
  })

  it('refuses an unknown region', async () => {
    const elsewhere = t.client({ target: 'no-such-region' })
    await t.rejects(elsewhere.create({ name: t.name('no-region') }), { kind: 'notFound', status: 404, message: /Region not found/ })
  })

  it('refuses names that hold markup, URLs or control characters', async () => {
    for (const name of ['<b>x</b>', 'see https://example.com', 'javascript:alert(1)', 'bell\u0007']) {
      await t.rejects(t.daytona.create({ name }), { kind: 'badRequest', status: 400, message: /name must not contain HTML tags, URLs, or control characters/ })
    }
  })

  it('refuses wrong types and names every wrong field', async () => {
    const error = await t.rejects(t.daytona.create({ name: 5, public: 'yes', autoStopInterval: 1, envVars: 'x' }), { kind: 'badRequest', status: 400 })
    assert.match(error.message, /name must be a string/)
    assert.match(error.message, /public must be a boolean value/)
    assert.match(error.message, /env must be an object/)
  })

  it('refuses a negative interval and a negative time-out locally', async () => {
    const kind = t.sdk.modern ? 'invalidArgument' : 'badRequest'
    await t.rejects(t.daytona.create({ autoStopInterval: -1 }), { kind })
    await t.rejects(t.daytona.create({ autoArchiveInterval: -1 }), { kind })
    await t.rejects(t.daytona.create({}, { timeout: -1 }), { kind })
  })

  it('refuses a name that is taken and leaves its owner alone', async () => {
    const first = await t.create('duplicate')
    await t.rejects(t.daytona.create({ name: first.name }), {
      kind: 'conflict',
      status: 409,
      message: new RegExp(`Sandbox with name ${first.name} already exists`),
    })
    const { result } = await first.process.executeCommand('echo still here')
    assert.equal(result, 'still here\n')
    assert.equal((await t.daytona.get(first.name)).id, first.id)
  })

  it('gives a name to exactly one of several simultaneous creators', async () => {
    const name = t.name('race')
    t.track(name)
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => t.daytona.create({ name })))
    const winners = results.filter((result) => result.status === 'fulfilled')
    const losers = results.filter((result) => result.status === 'rejected')
    assert.equal(winners.length, 1, losers.map((loser) => loser.reason.message).join('\n'))
    for (const loser of losers) assert.equal(loser.reason.statusCode, 409, loser.reason.message)
    assert.equal((await t.daytona.get(name)).id, winners[0].value.id)
  })

  it('frees the name at once when the sandbox is deleted', async () => {
    const first = await t.create('reuse')
    const { name } = first
    await first.delete()
    const second = await t.daytona.create({ name })
    t.track(second.id)
    assert.notEqual(second.id, first.id)
    assert.equal(second.name, name)
  })

  it('accepts names with spaces, unicode and 200 characters', async () => {
    for (const name of [`${t.name('name')} with space`, `${t.name('name')}-ünïcødé-世界`, t.name('long').padEnd(200, 'x')]) {
      const sandbox = await t.create('name', { name })
      assert.equal(sandbox.name, name)
      assert.equal((await t.daytona.get(name)).id, sandbox.id)
    }
  })
})
