// Who may do what: credentials, paths that try to escape, CORS, WebSocket upgrades.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { api, apiKey, apiUrl, gone } from '../lib/api.mjs'
import { Origin, exchange, upgrade } from '../lib/wire.mjs'
import { apiOrigin, assertAlive, assertApiError, assertToolboxError, run, sandboxes, toolbox } from './setup.mjs'

const UNKNOWN = '00000000-0000-4000-8000-000000000000'
const WRONG = `dtn_${'0'.repeat(64)}`

describe('credentials at the API', () => {
  const { create } = sandboxes('credentials')
  let sandbox
  before(async () => {
    sandbox = await create()
  })

  const ROUTES = [['GET', '/sandbox'], ['POST', '/sandbox'], ['GET', '/sandbox/x'], ['DELETE', '/sandbox/x'], ['POST', '/sandbox/x/start'], ['GET', '/snapshots'], ['GET', '/volumes'], ['GET', '/api-keys/current'], ['GET', '/api-keys'], ['POST', '/api-keys']]
  for (const [method, path] of ROUTES) {
    it(`${method} ${path} needs one`, async () => {
      for (const headers of [
        {},
        { authorization: `Bearer ${WRONG}` },
        { authorization: 'Bearer' },
        { authorization: 'Bearer ' },
        { authorization: apiKey },
        { authorization: `Basic ${Buffer.from(`user:${apiKey}`).toString('base64')}` },
        { authorization: `Bearer ${apiKey}x` },
        { authorization: `Bearer ${apiKey.slice(0, -1)}` },
        { authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.x' },
        { cookie: `token=${apiKey}` },
      ]) {
        const answer = await api(method, path, { key: null, headers })
        assertApiError(answer, 401, /Invalid credentials/)
        assert.ok(!answer.text.includes(apiKey), 'the key is not echoed')
      }
    })
  }

  it('does not tell an unauthenticated caller what exists', async () => {
    const there = await api('GET', `/sandbox/${sandbox.id}`, { key: WRONG })
    const absent = await api('GET', `/sandbox/${UNKNOWN}`, { key: WRONG })
    assert.equal(there.status, absent.status)
    assert.equal(there.json.message, absent.json.message)
  })

  it('takes the scheme in any letter case and the own organization beside the key', async () => {
    for (const headers of [{ authorization: `bearer ${apiKey}` }, { authorization: `BEARER ${apiKey}` }, { authorization: `Bearer ${apiKey}`, 'x-daytona-organization-id': sandbox.organizationId }]) {
      assert.equal((await api('GET', `/sandbox/${sandbox.id}`, { key: null, headers })).status, 200)
    }
  })

  it('serves /health and /config to anyone, whatever the header says', async () => {
    for (const key of [null, WRONG]) {
      assert.equal((await api('GET', '/health', { key })).status, 200)
      assert.equal((await api('GET', '/config', { key })).status, 200)
    }
    assert.ok(!(await api('GET', '/config', { key: null })).text.includes(apiKey))
  })
})

describe('access to the toolbox', () => {
  const { create } = sandboxes('toolbox-access')
  let sandbox
  let other
  before(async () => {
    sandbox = await create('mine')
    other = await create('other')
    await run(sandbox, 'echo mine > marker')
    await run(other, 'echo other > marker')
  })

  const CALLS = [['GET', '/version'], ['GET', '/files?path=.'], ['POST', '/process/execute'], ['GET', '/files/download?path=marker'], ['DELETE', '/files?path=marker']]
  for (const [method, path] of CALLS) {
    it(`${method} ${path.split('?')[0]} needs a credential`, async () => {
      const body = method === 'POST' ? { command: 'echo executed > marker' } : undefined
      for (const options of [{ key: null }, { key: WRONG }, { key: null, headers: { authorization: apiKey } }, { key: null, headers: { 'x-daytona-preview-token': 'wrong' } }]) {
        assertToolboxError(await toolbox(sandbox, method, path, { body, ...options }), 401)
      }
      assert.equal(await run(sandbox, 'cat marker'), 'mine\n')
    })
  }

  it('does not find an unknown sandbox', async () => {
    for (const id of [UNKNOWN, 'nobody', 'x'.repeat(300), "' or 1=1"]) {
      const answer = await toolbox({ ...sandbox, id: encodeURIComponent(id) }, 'GET', '/version')
      assertToolboxError(answer, 404)
    }
    assertToolboxError(await toolbox({ ...sandbox, id: UNKNOWN }, 'GET', '/version', { key: null }), 401)
  })

  it('does not find a sandbox that was deleted', async () => {
    const third = await create('deleted')
    assert.equal((await toolbox(third, 'GET', '/version')).status, 200)
    await api('DELETE', `/sandbox/${third.id}`)
    await gone(third.id)
    assertToolboxError(await toolbox(third, 'POST', '/process/execute', { body: { command: 'true' } }), 404)
  })

  it('refuses a stopped sandbox with an error, at once', async () => {
    const third = await create('stopped')
    await api('POST', `/sandbox/${third.id}/stop`)
    let state
    while (state !== 'stopped') state = (await api('GET', `/sandbox/${third.id}`)).json.state
    const answer = await toolbox(third, 'POST', '/process/execute', { body: { command: 'true' } })
    assert.ok(answer.status >= 400 && answer.status < 504, `${answer.status} ${answer.text}`)
    assertToolboxError(answer, answer.status)
  })

  it('stops working with a key the moment the key is deleted', async () => {
    const { json } = await api('POST', '/api-keys', { body: { name: `e2e-raw-revoked-${Date.now()}`, permissions: [] } })
    await api('DELETE', `/api-keys/${json.name}`)
    assertToolboxError(await toolbox(sandbox, 'GET', '/version', { key: json.value }), 401)
  })

  it('lets no credential of the caller into the sandbox', async () => {
    const text = await run(sandbox, 'env; tr "\\0" "\\n" < /proc/1/environ; cat /proc/*/cmdline 2>/dev/null | tr "\\0" " "')
    assert.ok(!text.includes(apiKey))
    assert.doesNotMatch(text, /dtn_[0-9a-f]{8}/)
  })

  it('keeps the neighbour out of reach of path tricks', async () => {
    const origin = new Origin(sandbox.toolboxProxyUrl)
    const own = `${origin.path}/${sandbox.id}`
    const tricks = [
      `${own}/../${other.id}/files/download?path=marker`,
      `${own}/%2e%2e/${other.id}/files/download?path=marker`,
      `${own}%2f..%2f${other.id}/files/download?path=marker`,
      `${own}/..%2f${other.id}/files/download?path=marker`,
      `${own}/.%2e/${other.id}/files/download?path=marker`,
      `${own}//../${other.id}/files/download?path=marker`,
      `${own}/;/../${other.id}/files/download?path=marker`,
      `${own}\\..\\${other.id}/files/download?path=marker`,
      `${origin.path}/../api/sandbox`,
      `${origin.path}/%2e%2e/api/sandbox`,
      `${own}/../../api/sandbox`,
      `${own}/%00/version`,
      `${own}/version%00`,
      `${own}/%zz/version`,
      `${own}/%ff%fe`,
      `${own}/${'a/'.repeat(3000)}`,
      `${origin.path}//${sandbox.id}/version`,
      `${origin.path}/${sandbox.id}`,
      `${origin.path}/`,
      origin.path,
    ]
    for (const target of tricks) {
      for (const credential of [`Authorization: Bearer ${apiKey}\r\n`, '']) {
        const { responses, closed } = await exchange(origin, `GET ${target} HTTP/1.1\r\nHost: ${origin.host}\r\n${credential}Connection: close\r\n\r\n`)
        assert.ok(closed)
        assert.equal(responses.length, 1, target)
        const [response] = responses
        assert.ok(response.status < 500, `${target}: ${response.status} ${response.text}`)
        assert.notEqual(response.text, 'other\n', target)
        assert.ok(!response.text.includes('"items"'), target)
        if (!credential) assert.ok([400, 401, 404].includes(response.status), `${target}: ${response.status}`)
      }
    }
  })

  it('refuses WebSocket upgrades without a right', async () => {
    const origin = new Origin(sandbox.toolboxProxyUrl)
    for (const path of ['/process/interpreter/execute', '/process/pty/none/connect', '/process/session/x/command/y/logs?follow=true', '/version']) {
      const target = `${origin.path}/${sandbox.id}${path}`
      assert.equal((await upgrade(origin, target)).status, 401, path)
      assert.equal((await upgrade(origin, target, { Authorization: `Bearer ${WRONG}` })).status, 401, path)
      assert.equal((await upgrade(origin, `${target}${path.includes('?') ? '&' : '?'}DAYTONA_SANDBOX_AUTH_KEY=wrong`)).status, 401, path)
      const stranger = await upgrade(origin, `${origin.path}/${UNKNOWN}${path}`, { Authorization: `Bearer ${apiKey}` })
      assert.equal(stranger.status, 404, path)
    }
    const plain = await upgrade(origin, `${origin.path}/${sandbox.id}/version`, { Authorization: `Bearer ${apiKey}` })
    assert.notEqual(plain.status, 101)
  })
})

describe('paths at the API', () => {
  const { create } = sandboxes('paths')
  after(assertAlive)

  it('does not let a path change its meaning', async () => {
    const sandbox = await create()
    const p = apiOrigin.path
    const tricks = [`${p}/health/../sandbox`, `${p}/health/%2e%2e/sandbox`, `${p}/config/..%2fsandbox`, `/x/..${p}/sandbox`, `${p}//sandbox`, `${p}/./sandbox`, `${p}/sandbox/%00`, `${p}/sandbox/%zz`, `${p}/sandbox/%ff%fe`, `${p}/sandbox/%`, `${p}/sandbox/..%2f..%2fhealth`, `${p}/sandbox/${'a'.repeat(7000)}`, '/', '/etc/passwd', '/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', `${p}/../../etc/passwd`]
    for (const target of tricks) {
      const anonymous = await exchange(apiOrigin, `GET ${target} HTTP/1.1\r\nHost: ${apiOrigin.host}\r\nConnection: close\r\n\r\n`)
      assert.equal(anonymous.responses.length, 1, target)
      assert.ok(anonymous.responses[0].status < 500, `${target}: ${anonymous.responses[0].status}`)
      assert.ok(!anonymous.responses[0].text.includes('"items"'), target)
      assert.ok(!anonymous.responses[0].text.includes('root:'), target)
      const known = await exchange(apiOrigin, `GET ${target} HTTP/1.1\r\nHost: ${apiOrigin.host}\r\nAuthorization: Bearer ${apiKey}\r\nConnection: close\r\n\r\n`)
      assert.equal(known.responses.length, 1, target)
      assert.ok(known.responses[0].status < 500, `${target}: ${known.responses[0].status} ${known.responses[0].text}`)
    }
    const encoded = await api('GET', `/sandbox/${encodeURIComponent(sandbox.name).replaceAll('-', '%2D')}`)
    assert.equal(encoded.status, 200)
    assert.equal(encoded.json.id, sandbox.id)
  })

  it('decodes a name after splitting the path', async () => {
    const sandbox = await create('slash', { name: `e2e-raw/with:slash-${Date.now()}` })
    const answer = await api('GET', `/sandbox/${encodeURIComponent(sandbox.name)}`)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.json.id, sandbox.id)
    assert.equal((await api('POST', `/sandbox/${encodeURIComponent(sandbox.name)}/autostop/33`)).json.autoStopInterval, 33)
  })

  it('upgrades only the event path', async () => {
    for (const target of ['/sandbox', '/health', '/socket.io', '/nope']) {
      const { status } = await upgrade(apiOrigin, `${apiOrigin.path}${target}`, { Authorization: `Bearer ${apiKey}` })
      assert.notEqual(status, 101, target)
    }
    for (const query of ['', '?EIO=3&transport=websocket', '?EIO=4', '?EIO=4&transport=polling', '?EIO=4&transport=nonsense']) {
      const { status } = await upgrade(apiOrigin, `${apiOrigin.path}/socket.io/${query}`)
      assert.ok(status === undefined || status >= 400, `${query}: ${status}`)
    }
    assert.equal((await upgrade(apiOrigin, `${apiOrigin.path}/socket.io/?EIO=4&transport=websocket`)).status, 101)
  })
})

describe('CORS', () => {
  const { create } = sandboxes('cors')
  const ORIGIN = 'https://app.example.com'
  let sandbox
  before(async () => {
    sandbox = await create()
  })

  const places = { api: () => `${apiUrl}/sandbox`, toolbox: () => `${sandbox.toolboxProxyUrl}/${sandbox.id}/process/execute` }
  const SENT = ['authorization', 'content-type', 'x-daytona-source', 'x-daytona-sdk-version', 'x-daytona-organization-id', 'traceparent', 'tracestate', 'baggage', 'user-agent']

  for (const [name, place] of Object.entries(places)) {
    it(`answers a preflight at the ${name} without a credential`, async () => {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH']) {
        const response = await fetch(place(), { method: 'OPTIONS', headers: { origin: ORIGIN, 'access-control-request-method': method, 'access-control-request-headers': SENT.join(',') } })
        assert.ok([200, 204].includes(response.status), String(response.status))
        assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN)
        assert.equal(response.headers.get('access-control-allow-credentials'), 'true')
        assert.match(response.headers.get('vary') ?? '', /origin/i)
        assert.ok(response.headers.get('access-control-allow-methods').toUpperCase().split(/\s*,\s*/).includes(method))
        const allowed = response.headers.get('access-control-allow-headers').toLowerCase().split(/\s*,\s*/)
        for (const header of SENT) assert.ok(allowed.includes(header) || allowed.includes('*'), `${header} of ${allowed}`)
        assert.equal(await response.text(), '')
      }
    })

    it(`reflects the origin on answers and errors of the ${name}`, async () => {
      for (const headers of [{ authorization: `Bearer ${apiKey}` }, {}]) {
        const response = await fetch(place(), { method: name === 'api' ? 'GET' : 'POST', headers: { origin: ORIGIN, 'content-type': 'application/json', ...headers }, body: name === 'api' ? undefined : '{"command":"true"}' })
        assert.equal(response.status, headers.authorization ? 200 : 401)
        assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN)
        assert.equal(response.headers.get('access-control-allow-credentials'), 'true')
        await response.arrayBuffer()
      }
    })

    it(`says nothing about origins at the ${name} to callers that name none, and puts no other header on a hostile one`, async () => {
      const plain = await fetch(place(), { headers: { authorization: `Bearer ${apiKey}` } })
      await plain.arrayBuffer()
      assert.notEqual(plain.headers.get('access-control-allow-origin'), ORIGIN)
      const origin = new Origin(place())
      const { pathname } = new URL(place())
      const { responses } = await exchange(origin, `OPTIONS ${pathname} HTTP/1.1\r\nHost: ${origin.host}\r\nOrigin: https://x\u0001y\r\nAccess-Control-Request-Method: GET\r\nConnection: close\r\n\r\n`)
      for (const response of responses) {
        assert.ok(response.status < 500)
        assert.ok(!String(response.headers['access-control-allow-origin']).includes('\u0001'))
      }
    })
  }
})
