// Reading snapshots and volumes.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { api } from '../lib/api.mjs'
import { forEachSdk, isIsoInstant } from './lib/harness.mjs'

forEachSdk('snapshots and volumes', (t) => {
  let defaultSnapshot

  before(async () => {
    defaultSnapshot = (await api('GET', '/config')).json.defaultSnapshot
  })

  const list = (page, limit) => t.daytona.snapshot.list(page, limit)

  it('lists the default snapshot', async () => {
    const page = await t.daytona.snapshot.list()
    assert.ok(page.items.length >= 1)
    assert.ok(page.total >= page.items.length)
    assert.equal(page.page, 1)
    assert.ok(page.totalPages >= 1)
    const snapshot = page.items.find((item) => item.name === defaultSnapshot)
    assert.ok(snapshot, `${defaultSnapshot} is listed`)
    assert.equal(snapshot.state, 'active')
    assert.equal(snapshot.general, true)
    assert.match(snapshot.id, /^[0-9a-f-]{36}$/)
    for (const key of ['cpu', 'gpu', 'mem', 'disk']) assert.equal(typeof snapshot[key], 'number', key)
    assert.ok(isIsoInstant(snapshot.createdAt) && isIsoInstant(snapshot.updatedAt))
    for (const key of ['size', 'entrypoint', 'errorReason', 'lastUsedAt', 'sourceSandboxId']) assert.ok(key in snapshot, key)
  })

  it('respects page and limit', async () => {
    const first = await list(1, 1)
    assert.equal(first.items.length, 1)
    assert.equal(first.page, 1)
    assert.equal(first.totalPages, first.total)
    const beyond = await list(first.total + 1, 1)
    assert.deepEqual(beyond.items, [])
    assert.equal(beyond.total, first.total)
    await t.rejects(list(0, 10), { kind: 'badRequest', status: 400 })
    await t.rejects(list(1, 201), { kind: 'badRequest', status: 400 })
  })

  it('finds a snapshot by name and by id', async () => {
    const byName = await t.daytona.snapshot.get(defaultSnapshot)
    const byId = await t.daytona.snapshot.get(byName.id)
    assert.equal(byName.name, defaultSnapshot)
    assert.equal(byId.id, byName.id)
    assert.equal(byId.name, byName.name)
  })

  it('does not find what is not there', async () => {
    for (const missing of ['no/such:snapshot', '00000000-0000-4000-8000-000000000000']) {
      await t.rejects(t.daytona.snapshot.get(missing), { kind: 'notFound', status: 404 })
    }
  })

  it('lists volumes as an array', async () => {
    const volumes = await t.daytona.volume.list()
    assert.ok(Array.isArray(volumes))
    assert.ok(!volumes.some((volume) => volume.name === t.name('volume')))
  })

  it('does not find an unknown volume', async () => {
    await t.rejects(t.daytona.volume.get(t.name('volume')), { kind: 'notFound', status: 404 })
  })
})
