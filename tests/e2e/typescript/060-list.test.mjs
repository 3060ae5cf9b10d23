// The list: pages, filters, order. Every case looks only at sandboxes of its own label.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { forEachSdk } from './lib/harness.mjs'

forEachSdk('list', (t) => {
  let mark
  let prefix
  let made

  before(async () => {
    mark = t.name('list')
    prefix = `${mark}-item`
    made = await Promise.all(
      [0, 1, 2, 3, 4].map((i) =>
        t.create('list', {
          name: `${prefix}-${i}`,
          labels: { mark, number: String(i), parity: i % 2 ? 'odd' : 'even', odd: `ü "quoted" {a,b}&+%20` },
          public: i === 4,
        }),
      ),
    )
    await made[3].stop()
  })

  async function collect(query = {}) {
    const found = []
    for await (const sandbox of t.daytona.list({ ...query, labels: { mark, ...query.labels } })) found.push(sandbox)
    return found
  }

  const names = (sandboxes) => sandboxes.map((sandbox) => sandbox.name.slice(prefix.length + 1)).sort().join('')

  it('finds sandboxes by a label the moment they exist', async () => {
    const found = await collect()
    assert.equal(names(found), '01234')
    for (const sandbox of found) {
      assert.equal(sandbox.labels.mark, mark)
      assert.match(sandbox.toolboxProxyUrl, /^http/)
      assert.match(sandbox.organizationId, /\S/)
    }
  })

  it('wants all labels of the filter', async () => {
    assert.equal(names(await collect({ labels: { parity: 'odd' } })), '13')
    assert.equal(names(await collect({ labels: { parity: 'odd', number: '1' } })), '1')
    assert.equal(names(await collect({ labels: { parity: 'odd', number: '2' } })), '')
    assert.equal(names(await collect({ labels: { odd: `ü "quoted" {a,b}&+%20` } })), '01234')
    assert.equal(names(await collect({ labels: { number: '' } })), '')
  })

  for (const limit of [1, 2, 3, 5, 200]) {
    it(`iterates over all with pages of ${limit}, none twice`, async () => {
      const found = await collect({ limit })
      assert.equal(found.length, 5)
      assert.equal(new Set(found.map((sandbox) => sandbox.id)).size, 5)
      assert.equal(names(found), '01234')
    })
  }

  it('pages by cursor, with null at the end', async () => {
    const seen = []
    const counts = []
    let cursor
    do {
      const { data } = await t.daytona.sandboxApi.listSandboxes(undefined, cursor, 2, undefined, undefined, JSON.stringify({ mark }))
      counts.push(data.items.length)
      seen.push(...data.items.map((item) => item.id))
      assert.ok(data.nextCursor === null || typeof data.nextCursor === 'string')
      cursor = data.nextCursor
    } while (cursor)
    assert.deepEqual(counts, [2, 2, 1])
    assert.deepEqual([...seen].sort(), made.map((sandbox) => sandbox.id).sort())
  })

  it('filters by state', async () => {
    assert.equal(names(await collect({ states: ['stopped'] })), '3')
    assert.equal(names(await collect({ states: ['started'] })), '0124')
    assert.equal(names(await collect({ states: ['started', 'stopped'] })), '01234')
    assert.equal(names(await collect({ states: ['archived'] })), '')
  })

  it('filters by the beginning of the name and of the id, whatever the case', async () => {
    assert.equal(names(await collect({ name: `${prefix}-2` })), '2')
    assert.equal(names(await collect({ name: prefix.toUpperCase() })), '01234')
    assert.equal(names(await collect({ name: prefix.slice(1) })), '')
    assert.equal(names(await collect({ id: made[1].id })), '1')
    assert.equal(names(await collect({ id: made[1].id.slice(0, 13) })), '1')
  })

  it('filters by public, snapshot, region and size', async () => {
    assert.equal(names(await collect({ isPublic: true })), '4')
    assert.equal(names(await collect({ snapshots: [made[0].snapshot] })), '01234')
    assert.equal(names(await collect({ snapshots: ['none-such'] })), '')
    assert.equal(names(await collect({ targets: [made[0].target] })), '01234')
    assert.equal(names(await collect({ targets: ['none-such'] })), '')
    assert.equal(names(await collect({ minCpu: made[0].cpu, maxCpu: made[0].cpu })), '01234')
    assert.equal(names(await collect({ minCpu: made[0].cpu + 1 })), '')
    assert.equal(names(await collect({ maxMemoryGib: made[0].memory, minDiskGib: made[0].disk })), '01234')
  })

  it('filters by time of creation', async () => {
    const times = made.map((sandbox) => Date.parse(sandbox.createdAt))
    assert.equal(names(await collect({ createdAtAfter: new Date(Math.min(...times)), createdAtBefore: new Date(Math.max(...times)) })), '01234')
    assert.equal(names(await collect({ createdAtAfter: new Date(Math.max(...times) + 1) })), '')
    assert.equal(names(await collect({ createdAtBefore: new Date(Math.min(...times) - 1) })), '')
  })

  it('sorts both ways, across pages', async () => {
    const up = (await collect({ sort: 'name', order: 'asc', limit: 2 })).map((sandbox) => sandbox.name)
    const down = (await collect({ sort: 'name', order: 'desc', limit: 2 })).map((sandbox) => sandbox.name)
    assert.deepEqual(up, made.map((sandbox) => sandbox.name))
    assert.deepEqual(down, [...up].reverse())
    const newest = await collect({ sort: 'createdAt', order: 'desc', limit: 1 })
    const stamps = newest.map((sandbox) => sandbox.createdAt)
    assert.deepEqual(stamps, [...stamps].sort().reverse())
  })

  it('refuses impossible queries', async () => {
    for (const query of [{ limit: 0 }, { limit: 201 }, { states: ['destroyed'] }, { sort: 'colour' }, { order: 'sideways' }]) {
      await t.rejects(t.daytona.list(query).next(), { kind: 'badRequest', status: 400 })
    }
  })

  it('yields sandboxes that work', async () => {
    const [found] = await collect({ labels: { number: '0' } })
    assert.equal((await found.process.executeCommand('echo listed')).result, 'listed\n')
    await found.refreshData()
    assert.deepEqual(found.env, {})
  })
})
