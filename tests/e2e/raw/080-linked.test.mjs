// Linked sandboxes: on one runner, reachable by name, deleted with their owner; strangers stay strangers.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { api, eventually } from '../lib/api.mjs'
import { run, sandboxes } from './setup.mjs'

describe('linked sandboxes', () => {
  const { create } = sandboxes('linked')
  let owner, follower, stranger
  const fetchFrom = (sandbox, host) => run(sandbox, `curl -s -m 3 http://${host}:3000/ || echo failed`)

  before(async () => {
    owner = await create('owner')
    stranger = await create('stranger')
    follower = await create('follower', { linkedSandbox: owner.name, autoDeleteInterval: 0 })
    await run(owner, 'cd /tmp && echo from the owner > index.html && (setsid python3 -m http.server 3000 >/dev/null 2>&1 &)')
    await run(follower, 'cd /tmp && echo from the follower > index.html && (setsid python3 -m http.server 3000 >/dev/null 2>&1 &)')
  })

  it('are placed with their owner', () => {
    assert.equal(follower.linkedSandboxId, owner.id)
    assert.equal(follower.runnerId, owner.runnerId)
  })

  it('reach one another by name and by id', async () => {
    await eventually('the link', async () => (await fetchFrom(follower, owner.name)) === 'from the owner\n')
    await eventually('the link', async () => (await fetchFrom(owner, follower.name)) === 'from the follower\n')
    assert.equal(await fetchFrom(follower, owner.id), 'from the owner\n')
  })

  it('are unknown and closed to everybody else', async () => {
    assert.equal(await fetchFrom(stranger, owner.name), 'failed\n')
    const address = (await run(owner, 'hostname -I')).trim()
    assert.match(address, /^\d+\.\d+\.\d+\.\d+$/)
    assert.equal(await fetchFrom(stranger, address), 'failed\n')
    assert.equal(await fetchFrom(follower, address), 'from the owner\n')
  })

  it('stay linked when the owner stops and starts', async () => {
    await api('POST', `/sandbox/${owner.id}/stop?force=true`)
    await eventually('the link', async () => ((await api('GET', `/sandbox/${owner.id}`)).json.state) === 'stopped')
    assert.equal(await fetchFrom(follower, owner.name), 'failed\n')
    await api('POST', `/sandbox/${owner.id}/start`)
    await eventually('the link', async () => ((await api('GET', `/sandbox/${owner.id}`)).json.state) === 'started')
    await run(owner, 'cd /tmp && (setsid python3 -m http.server 3000 >/dev/null 2>&1 &)')
    await eventually('the link', async () => (await fetchFrom(follower, owner.name)) === 'from the owner\n')
  })

  it('go with their owner', async () => {
    const { status } = await api('DELETE', `/sandbox/${owner.id}`)
    assert.equal(status, 200)
    await eventually('the link', async () => ((await api('GET', `/sandbox/${follower.id}`)).status) === 404)
    assert.equal((await api('GET', `/sandbox/${stranger.id}`)).json.state, 'started')
  })
})
