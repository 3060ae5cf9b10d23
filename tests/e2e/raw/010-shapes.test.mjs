// Success codes, required keys and their types, as the strict clients want them.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { api, apiKey, gone, unique } from '../lib/api.mjs'
import { run, sandboxes, toolbox } from './setup.mjs'

const is = {
  string: (value) => typeof value === 'string',
  text: (value) => typeof value === 'string' && value.length > 0,
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  array: (value) => Array.isArray(value),
  instant: (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value),
  url: (value) => /^https?:\/\/\S+$/.test(value),
  stringMap: (value) => is.object(value) && Object.values(value).every(is.string),
}
const orNull = (predicate) => (value) => value === null || predicate(value)

// Required keys, and those that all SDKs read although they are optional.
const SANDBOX = {
  id: is.text, organizationId: is.text, name: is.text, user: is.text, env: is.stringMap, labels: is.stringMap, public: is.boolean,
  networkBlockAll: is.boolean, kvm: is.boolean, target: is.text, cpu: is.integer, gpu: is.integer, memory: is.integer, disk: is.integer,
  toolboxProxyUrl: is.url, state: is.text, desiredState: is.text, snapshot: is.text, autoStopInterval: is.integer,
  autoArchiveInterval: is.integer, autoDeleteInterval: is.integer, createdAt: is.instant, updatedAt: is.instant, sandboxClass: is.text,
}
const { env, kvm, ...LIST_ITEM } = SANDBOX
const SNAPSHOT = {
  id: is.text, general: is.boolean, name: is.text, state: is.text, size: orNull(is.number), entrypoint: orNull(is.array), cpu: is.integer,
  gpu: is.integer, mem: is.integer, disk: is.integer, errorReason: orNull(is.string), createdAt: is.instant, updatedAt: is.instant,
  lastUsedAt: orNull(is.instant), sourceSandboxId: orNull(is.string),
}
const CONFIG = {
  version: is.text, oidc: is.object, linkedAccountsEnabled: is.boolean, announcements: is.object, proxyTemplateUrl: is.text,
  proxyToolboxUrl: is.url, defaultSnapshot: is.text, dashboardUrl: is.string, maxAutoArchiveInterval: is.integer, maintananceMode: is.boolean,
  environment: is.string,
}

function assertShape(value, shape, what) {
  assert.ok(is.object(value), `${what} is an object`)
  for (const [key, predicate] of Object.entries(shape)) {
    assert.ok(key in value, `${what} has ${key}`)
    assert.ok(predicate(value[key]), `${what}.${key} is ${JSON.stringify(value[key])}`)
  }
}

function assertJson(answer, status = 200) {
  assert.equal(answer.status, status, answer.text)
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json\b/)
  assert.ok(answer.headers.get('x-daytona-api-version'), 'the version header is sent')
}

describe('API shapes', () => {
  const { create, track } = sandboxes('shapes')
  let sandbox

  before(async () => {
    sandbox = await create('shared', { labels: { shapes: unique('raw', 'mark') } })
  })

  it('GET /health', async () => {
    const answer = await api('GET', '/health', { key: null })
    assertJson(answer)
    assert.equal(answer.json.status, 'ok')
  })

  it('GET /config', async () => {
    const answer = await api('GET', '/config', { key: null })
    assertJson(answer)
    assertShape(answer.json, CONFIG, 'config')
    assertShape(answer.json.oidc, { issuer: is.text, clientId: is.text, audience: is.text, provider: is.text }, 'config.oidc')
    assert.ok(['auth0', 'workos'].includes(answer.json.oidc.provider), answer.json.oidc.provider)
  })

  it('POST /sandbox answers 200 with a whole sandbox', async () => {
    const name = unique('raw', 'create')
    track(name)
    const answer = await api('POST', '/sandbox', { body: { name, env: { A: '1' }, labels: { b: '2' } } })
    assertJson(answer)
    assertShape(answer.json, SANDBOX, 'sandbox')
    track(answer.json.id)
    assert.deepEqual(answer.json.env, { A: '1' })
    assert.deepEqual(answer.json.labels, { b: '2' })
    for (const secret of ['authToken', 'pending', 'apiKey']) assert.ok(!(secret in answer.json), `${secret} is not exposed`)
  })

  it('GET /sandbox/{id}, by id and by name', async () => {
    for (const key of [sandbox.id, sandbox.name]) {
      const answer = await api('GET', `/sandbox/${encodeURIComponent(key)}`)
      assertJson(answer)
      assertShape(answer.json, SANDBOX, 'sandbox')
      assert.equal(answer.json.id, sandbox.id)
    }
  })

  it('GET /sandbox', async () => {
    const answer = await api('GET', `/sandbox?labels=${encodeURIComponent(JSON.stringify(sandbox.labels))}`)
    assertJson(answer)
    assert.ok('nextCursor' in answer.json)
    assert.equal(answer.json.nextCursor, null)
    assert.equal(answer.json.items.length, 1)
    assertShape(answer.json.items[0], LIST_ITEM, 'list item')
    assert.equal(answer.json.items[0].id, sandbox.id)
  })

  it('GET /sandbox/paginated', async () => {
    const answer = await api('GET', `/sandbox/paginated?page=1&limit=1&labels=${encodeURIComponent(JSON.stringify(sandbox.labels))}`)
    assertJson(answer)
    assertShape(answer.json, { items: is.array, total: is.integer, page: is.integer, totalPages: is.integer }, 'page')
    assert.ok(answer.json.items.length <= 1)
    for (const item of answer.json.items) assertShape(item, SANDBOX, 'item')
  })

  it('PUT labels answers 200 with labels', async () => {
    const other = await create('labels')
    const answer = await api('PUT', `/sandbox/${other.id}/labels`, { body: { labels: { x: 'y' } } })
    assertJson(answer)
    assert.deepEqual(answer.json.labels, { x: 'y' })
  })

  it('interval setters and public answer 200 with the sandbox', async () => {
    const other = await create('setters')
    for (const [path, key, value] of [
      ['autostop/60', 'autoStopInterval', 60],
      ['autoarchive/60', 'autoArchiveInterval', 60],
      ['autodelete/60', 'autoDeleteInterval', 60],
      ['autodelete/-1', 'autoDeleteInterval', -1],
      ['public/true', 'public', true],
      ['public/false', 'public', false],
    ]) {
      const answer = await api('POST', `/sandbox/${other.id}/${path}`)
      assertJson(answer)
      assertShape(answer.json, SANDBOX, path)
      assert.equal(answer.json[key], value, path)
    }
  })

  it('bodiless POSTs accept any content type', async () => {
    for (const type of ['application/x-www-form-urlencoded', 'application/json', 'text/plain', 'application/octet-stream']) {
      const answer = await api('POST', `/sandbox/${sandbox.id}/autostop/20`, { headers: { 'content-type': type } })
      assertJson(answer)
      assert.equal(answer.json.autoStopInterval, 20)
    }
  })

  it('POST last-activity answers 201, with and without a body', async () => {
    for (const body of [undefined, {}, { activityType: 'toolbox' }]) {
      const answer = await api('POST', `/sandbox/${sandbox.id}/last-activity`, { body })
      assert.equal(answer.status, 201, answer.text)
      assert.equal(answer.text, '')
    }
  })

  it('GET preview-url and toolbox-proxy-url', async () => {
    const preview = await api('GET', `/sandbox/${sandbox.id}/ports/3000/preview-url`)
    assertJson(preview)
    assertShape(preview.json, { sandboxId: is.text, url: is.url, token: is.text }, 'preview')
    const proxy = await api('GET', `/sandbox/${sandbox.id}/toolbox-proxy-url`)
    assertJson(proxy)
    assertShape(proxy.json, { url: is.url }, 'toolbox proxy url')
    assert.equal(proxy.json.url, sandbox.toolboxProxyUrl)
  })

  it('stop, start and delete answer 200 with the sandbox in transition', async () => {
    const other = await create('transitions')
    const stop = await api('POST', `/sandbox/${other.id}/stop?force=false`)
    assertJson(stop)
    assertShape(stop.json, SANDBOX, 'stop')
    assert.ok(['stopping', 'stopped'].includes(stop.json.state), stop.json.state)
    assert.equal(stop.json.desiredState, 'stopped')
    let state
    while (state !== 'stopped') {
      state = (await api('GET', `/sandbox/${other.id}`)).json.state
      assert.ok(['stopping', 'stopped'].includes(state), state)
    }
    const start = await api('POST', `/sandbox/${other.id}/start`)
    assertJson(start)
    assertShape(start.json, SANDBOX, 'start')
    assert.ok(['starting', 'started'].includes(start.json.state), start.json.state)
    assert.equal(start.json.desiredState, 'started')
    while (state !== 'started') {
      state = (await api('GET', `/sandbox/${other.id}`)).json.state
      assert.ok(['starting', 'started'].includes(state), state)
    }
    const remove = await api('DELETE', `/sandbox/${other.id}`)
    assertJson(remove)
    assertShape(remove.json, SANDBOX, 'delete')
    assert.ok(['destroying', 'destroyed'].includes(remove.json.state), remove.json.state)
    assert.equal(remove.json.desiredState, 'destroyed')
    await gone(other.id)
  })

  it('GET /snapshots and GET /snapshots/{id or name}', async () => {
    const list = await api('GET', '/snapshots')
    assertJson(list)
    assertShape(list.json, { items: is.array, total: is.integer, page: is.integer, totalPages: is.integer }, 'snapshots')
    assert.ok(list.json.items.length > 0)
    for (const item of list.json.items) assertShape(item, SNAPSHOT, 'snapshot')
    const [first] = list.json.items
    for (const key of [first.id, first.name]) {
      const one = await api('GET', `/snapshots/${encodeURIComponent(key)}`)
      assertJson(one)
      assertShape(one.json, SNAPSHOT, 'snapshot')
      assert.equal(one.json.id, first.id)
    }
  })

  it('GET /volumes', async () => {
    const answer = await api('GET', '/volumes')
    assertJson(answer)
    assert.ok(is.array(answer.json))
  })

  it('toolbox codes', async () => {
    const call = async (method, path, status, options) => {
      const answer = await toolbox(sandbox, method, path, options)
      assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`)
      return answer
    }
    assertShape((await call('GET', '/version', 200)).json, { version: is.text }, 'version')
    assertShape((await call('GET', '/work-dir', 200)).json, { dir: is.text }, 'work-dir')
    assertShape((await call('GET', '/user-home-dir', 200)).json, { dir: is.text }, 'user-home-dir')
    assertShape((await call('POST', '/process/execute', 200, { body: { command: 'echo ok' } })).json, { exitCode: is.integer, result: is.string }, 'execute')
    assertShape((await call('POST', '/process/code-run', 200, { body: { code: 'print(1)', language: 'python' } })).json, { exitCode: is.integer, result: is.string }, 'code-run')
    assert.equal((await call('POST', '/files/folder?path=codes&mode=755', 201)).text, '')
    const form = new FormData()
    form.set('file', new Blob(['12345']), 'ignored-name')
    await call('POST', '/files/upload?path=codes%2Fone.txt', 200, { body: form })
    const bulk = new FormData()
    bulk.append('files[0].path', 'codes/two.txt')
    bulk.append('files[0].file', new Blob(['123']), 'two.txt')
    const uploaded = await call('POST', '/files/bulk-upload', 200, { body: bulk })
    assert.deepEqual(uploaded.json.files, [{ path: 'codes/two.txt', bytes: 3 }])
    const FILE = { name: is.text, size: is.integer, mode: is.text, permissions: is.text, modTime: is.text, modifiedAt: is.text, isDir: is.boolean, owner: is.text, group: is.text }
    const files = (await call('GET', '/files?path=codes', 200)).json
    assert.equal(files.length, 2)
    for (const file of files) assertShape(file, FILE, 'file')
    assertShape((await call('GET', '/files/info?path=codes', 200)).json, FILE, 'info')
    assert.equal((await call('POST', '/files/move?source=codes/one.txt&destination=codes/three.txt', 200)).text, '')
    assert.equal((await call('POST', '/files/permissions?path=codes/three.txt&mode=600', 200)).text, '')
    const download = await call('GET', '/files/download?path=codes/three.txt', 200)
    assert.equal(download.text, '12345')
    assert.equal(download.headers.get('content-length'), '5')
    const removed = await call('DELETE', '/files?path=codes/three.txt', 204)
    assert.equal(removed.bytes.length, 0)
    await call('DELETE', '/files?path=codes&recursive=true', 204)
    assert.equal(await run(sandbox, 'test -e codes || echo removed'), 'removed\n')
  })
})

describe('API keys', () => {
  const made = []
  const name = (test) => {
    const value = unique('raw-keys', test)
    made.push(value)
    return value
  }

  it('creates, lists, reads, uses and deletes a key', async () => {
    const keyName = name('life')
    const created = await api('POST', '/api-keys', { body: { name: keyName, permissions: [] } })
    assertJson(created, 201)
    assertShape(created.json, { name: is.text, value: is.text, createdAt: is.instant, permissions: is.array }, 'created key')
    assert.equal(created.json.name, keyName)
    assert.match(created.json.value, /^dtn_[0-9a-f]{64}$/)
    assert.equal(created.json.expiresAt, null)
    const { value } = created.json

    const ITEM = { name: is.text, value: is.text, createdAt: is.instant, permissions: is.array, userId: is.text, lastUsedAt: orNull(is.instant), expiresAt: orNull(is.instant) }
    const list = await api('GET', '/api-keys')
    assertJson(list)
    for (const item of list.json) assertShape(item, ITEM, 'key')
    const listed = list.json.find((item) => item.name === keyName)
    assert.equal(listed.value, `${value.slice(0, 3)}${'*'.repeat(20)}${value.slice(-3)}`)
    assert.ok(!list.text.includes(value), 'the list never shows a key')

    const one = await api('GET', `/api-keys/${keyName}`)
    assertJson(one)
    assert.equal(one.json.name, keyName)
    const current = await api('GET', '/api-keys/current', { key: value })
    assertJson(current)
    assert.equal(current.json.name, keyName)

    assert.equal((await api('GET', '/sandbox?limit=1', { key: value })).status, 200)
    const removed = await api('DELETE', `/api-keys/${keyName}`)
    assert.equal(removed.status, 204)
    assert.equal(removed.text, '')
    assert.equal((await api('GET', '/sandbox?limit=1', { key: value })).status, 401)
    assert.equal((await api('GET', `/api-keys/${keyName}`)).status, 404)
    assert.equal((await api('DELETE', `/api-keys/${keyName}`)).status, 404)
  })

  it('refuses a name that is taken, a bad body, and an expired key', async () => {
    const keyName = name('twice')
    assert.equal((await api('POST', '/api-keys', { body: { name: keyName, permissions: [] } })).status, 201)
    const again = await api('POST', '/api-keys', { body: { name: keyName, permissions: [] } })
    assert.equal(again.status, 409, again.text)
    assert.match(again.json.message, /API key with this name already exists/)
    for (const [body, message] of [
      [{ permissions: [] }, /name/],
      [{ name: 5, permissions: [] }, /name must be a string/],
      [{ name: name('x'), permissions: 'all' }, /permissions must be an array/],
      [{ name: '<b>', permissions: [] }, /must not contain HTML tags/],
    ]) {
      const answer = await api('POST', '/api-keys', { body })
      assert.equal(answer.status, 400, JSON.stringify(body))
      assert.match(answer.json.message, message)
    }
    const old = await api('POST', '/api-keys', { body: { name: name('expired'), permissions: [], expiresAt: '2020-01-01T00:00:00.000Z' } })
    assert.equal(old.status, 201, old.text)
    assert.equal((await api('GET', '/sandbox?limit=1', { key: old.json.value })).status, 401)
    for (const made_ of made) await api('DELETE', `/api-keys/${made_}`)
  })

  it('names the calling key', async () => {
    const current = await api('GET', '/api-keys/current', { key: apiKey })
    assertJson(current)
    assert.ok(!current.text.includes(apiKey))
  })
})
