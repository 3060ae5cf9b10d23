// The event gateway as the SDKs use it, through the plain Socket.IO client.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { api, apiKey, apiUrl, discard, eventually, runLabels, unique } from '../lib/api.mjs'
import { requireInstalled } from './lib/sdk.mjs'

const { io } = requireInstalled('socket.io-client')
const SANDBOX_KEYS = 'id organizationId name user env labels public networkBlockAll kvm target cpu gpu memory disk toolboxProxyUrl state desiredState createdAt updatedAt'

function connect({ auth = { token: apiKey }, query = {}, namespace = '', transports = ['websocket'] } = {}) {
  const url = new URL(apiUrl)
  return io(`${url.origin}${namespace}`, {
    path: `${url.pathname.replace(/\/$/, '')}/socket.io/`,
    transports,
    query: { source: 'e2e', sdkVersion: '0.0.0', ...query },
    auth,
    reconnection: false,
    forceNew: true,
  })
}

function outcome(socket) {
  return new Promise((resolve) => {
    socket.on('connect', () => resolve({ connected: true }))
    socket.on('connect_error', (error) => resolve({ connected: false, error }))
  })
}

describe('events', () => {
  const made = []
  let socket
  const received = []

  before(async () => {
    socket = connect()
    socket.onAny((event, data) => received.push({ event, data }))
    const { connected, error } = await outcome(socket)
    assert.ok(connected, error?.message)
  })

  after(async () => {
    socket?.close()
    await Promise.all(made.map(discard))
  })

  async function create(test) {
    const name = unique('ts-events', test)
    made.push(name)
    const { status, json, text } = await api('POST', '/sandbox', { body: { name, labels: runLabels } })
    assert.equal(status, 200, text)
    made.push(json.id)
    return json
  }

  const changesOf = (id) => received.filter(({ event, data }) => event === 'sandbox.state.updated' && data.sandbox?.id === id).map(({ data }) => data)
  const untilState = (id, state) => eventually(`an event says ${state}`, () => changesOf(id).find((change) => change.newState === state))

  function assertSandbox(dto, id) {
    assert.equal(dto.id, id)
    for (const key of SANDBOX_KEYS.split(' ')) {
      assert.ok(key in dto, `the sandbox of the event has ${key}`)
      assert.notEqual(dto[key], null, key)
    }
    assert.equal(typeof dto.public, 'boolean')
    assert.equal(typeof dto.env, 'object')
    assert.ok(Number.isInteger(dto.cpu) && Number.isInteger(dto.memory) && Number.isInteger(dto.disk))
    assert.match(dto.toolboxProxyUrl, /^https?:\/\//)
    assert.ok(!('authToken' in dto) && !('token' in dto), 'no secret in the event')
  }

  it('connects with an API key', () => {
    assert.ok(socket.connected)
    assert.match(socket.id, /\S/)
  })

  it('announces a creation and its way to started', async () => {
    const sandbox = await create('create')
    await untilState(sandbox.id, 'started')
    const created = await eventually('sandbox.created arrives', () => received.find(({ event, data }) => event === 'sandbox.created' && (data.sandbox ?? data).id === sandbox.id))
    assertSandbox(created.data.sandbox ?? created.data, sandbox.id)
    const changes = changesOf(sandbox.id)
    assertSandbox(changes.at(-1).sandbox, sandbox.id)
    assert.equal(changes.at(-1).sandbox.state, 'started')
    assert.equal(changes.at(-1).newState, 'started')
    assert.ok(typeof changes.at(-1).oldState === 'string' && changes.at(-1).oldState !== 'started')
  })

  it('announces stop, start and deletion in order, each with the whole sandbox', async () => {
    const { id } = await create('life')
    await untilState(id, 'started')
    const steps = [
      ['POST', `/sandbox/${id}/stop`, 'stopped'],
      ['POST', `/sandbox/${id}/start`, 'started'],
      ['DELETE', `/sandbox/${id}`, 'destroyed'],
    ]
    for (const [method, path, state] of steps) {
      const before = changesOf(id).length
      assert.equal((await api(method, path)).status, 200)
      await eventually(`an event says ${state}`, () => changesOf(id).slice(before).some((change) => change.newState === state))
    }
    const changes = changesOf(id)
    for (const change of changes) {
      assertSandbox(change.sandbox, id)
      assert.notEqual(change.oldState, change.newState)
    }
    const order = changes.map((change) => change.newState)
    const positions = ['started', 'stopped', 'destroyed'].map((state) => order.indexOf(state))
    assert.deepEqual(positions, [...positions].sort((a, b) => a - b), order.join(' → '))
    assert.ok(order.lastIndexOf('started') > order.indexOf('stopped'), order.join(' → '))
    changes.slice(1).forEach((change, i) => assert.equal(change.oldState, changes[i].newState, order.join(' → ')))
  })

  it('refuses a bad, an empty and a missing token', async () => {
    for (const auth of [{ token: 'dtn_wrong' }, { token: '' }, {}, { token: { toString: 1 } }, { token: null }]) {
      const stranger = connect({ auth })
      const { connected, error } = await outcome(stranger)
      stranger.close()
      assert.equal(connected, false, JSON.stringify(auth))
      assert.match(error.message, /Unauthorized/)
    }
  })

  it('sends nothing to a client that was refused', async () => {
    const stranger = connect({ auth: { token: 'dtn_wrong' } })
    const heard = []
    stranger.onAny((event) => heard.push(event))
    await outcome(stranger)
    const sandbox = await create('stranger')
    await untilState(sandbox.id, 'started')
    stranger.close()
    assert.deepEqual(heard, [])
  })

  it('refuses other namespaces', async () => {
    const other = connect({ namespace: '/admin' })
    const { connected, error } = await outcome(other)
    other.close()
    assert.equal(connected, false)
    assert.match(error.message, /Invalid namespace/)
  })

  it('ignores an organization in the query of a key, and unknown query parts', async () => {
    const other = connect({ query: { organizationId: '00000000-0000-4000-8000-000000000000', more: 'x y' } })
    const { connected } = await outcome(other)
    const heard = []
    other.onAny((event, data) => heard.push((data.sandbox ?? data).id))
    const sandbox = await create('query')
    await eventually('the event arrives all the same', () => heard.includes(sandbox.id))
    other.close()
    assert.equal(connected, true)
  })

  it('tells every client of the organization', async () => {
    const others = [connect(), connect(), connect()]
    await Promise.all(others.map(outcome))
    const heard = others.map(() => new Set())
    others.forEach((other, i) => other.on('sandbox.state.updated', ({ sandbox }) => heard[i].add(`${sandbox.id} ${sandbox.state}`)))
    const sandbox = await create('fan-out')
    await eventually('all three hear of it', () => heard.every((set) => set.has(`${sandbox.id} started`)))
    others.forEach((other) => other.close())
  })

  it('greets with the parameters that the clients expect, and only over WebSocket', async () => {
    const polling = await fetch(`${apiUrl}/socket.io/?EIO=4&transport=polling`)
    assert.equal(polling.status, 400)
    assert.equal((await polling.json()).message, 'Transport unknown')
    const engine = await new Promise((resolve) => {
      const other = connect()
      other.io.engine.once('handshake', (data) => {
        other.close()
        resolve(data)
      })
    })
    assert.match(engine.sid, /\S{8,}/)
    assert.deepEqual(engine.upgrades, [])
    assert.equal(engine.pingInterval, 25000)
    assert.equal(engine.pingTimeout, 20000)
    assert.equal(engine.maxPayload, 1000000)
  })

  it('takes 40 connections that come and go', async () => {
    const sockets = Array.from({ length: 40 }, () => connect())
    const results = await Promise.all(sockets.map(outcome))
    sockets.forEach((other) => other.close())
    assert.equal(results.filter((result) => result.connected).length, 40)
    assert.ok(socket.connected)
  })
})
