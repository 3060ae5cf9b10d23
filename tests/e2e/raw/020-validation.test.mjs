// Bad input to the API: a clear error of the documented shape, nothing created, nothing broken.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { api, apiKey, apiUrl, eventually, unique } from '../lib/api.mjs'
import { exchange } from '../lib/wire.mjs'
import { apiOrigin, assertAlive, assertApiError, sandboxes } from './setup.mjs'

const base = new URL(apiUrl).pathname.replace(/\/$/, '')
const mark = unique('raw', 'validation')

describe('validation', () => {
  const { create, track } = sandboxes('validation')
  let sandbox

  before(async () => {
    sandbox = await create()
  })

  after(assertAlive)

  const FIELDS = [
    [{ name: 5 }, /name must be a string/],
    [{ name: {} }, /name must be a string/],
    [{ name: ['a'] }, /name must be a string/],
    [{ name: '<script>' }, /name must not contain HTML tags, URLs, or control characters/],
    [{ name: 'a\u0000b' }, /name must not contain/],
    [{ name: 'HTTPS://x' }, /name must not contain/],
    [{ snapshot: 1 }, /snapshot must be a string/],
    [{ user: false }, /user must be a string/],
    [{ target: 1 }, /target must be a string/],
    [{ env: 'x' }, /env must be an object/],
    [{ env: 5 }, /env must be an object/],
    [{ labels: 'x' }, /labels must be an object/],
    [{ public: 'true' }, /public must be a boolean value/],
    [{ public: 1 }, /public must be a boolean value/],
    [{ networkBlockAll: 'no' }, /networkBlockAll must be a boolean value/],
    [{ networkAllowList: 5 }, /networkAllowList must be a string/],
    [{ cpu: '1' }, /cpu must be a number conforming to the specified constraints/],
    [{ cpu: -1 }, /cpu must not be less than 0/],
    [{ memory: true }, /memory must be a number/],
    [{ disk: -5 }, /disk must not be less than 0/],
    [{ autoStopInterval: '15' }, /autoStopInterval must be a number/],
    [{ autoStopInterval: -1 }, /Auto-stop interval must be non-negative/],
    [{ autoArchiveInterval: 'x' }, /autoArchiveInterval must be a number/],
    [{ autoArchiveInterval: -1 }, /Auto-archive interval must be non-negative/],
    [{ autoDeleteInterval: '0' }, /autoDeleteInterval must be a number/],
    [{ autoStopInterval: 1.5 }, /./],
    [{ autoStopInterval: 1e300 }, /./],
    [{ volumes: {} }, /volumes must be an array/],
    [{ volumes: [{ mountPath: '/x' }] }, /volumeId/],
    [{ volumes: [{ volumeId: 'v' }] }, /mountPath/],
    [{ cpu: 2 }, /Cannot specify Sandbox resources when using a snapshot/],
    [{ snapshot: 'no-such' }, /Snapshot no-such not found/],
    [{ buildInfo: {} }, /./],
    [{ buildInfo: { dockerfileContent: 5 } }, /./],
    [{ buildInfo: { dockerfileContent: 'FROM x' }, snapshot: 'y' }, /Cannot specify a snapshot when using a build info entry/],
  ]
  for (const [body, message] of FIELDS) {
    it(`POST /sandbox refuses ${JSON.stringify(body)}`, async () => {
      const name = unique('raw', 'refused')
      const answer = await api('POST', '/sandbox', { body: { name, ...body } })
      if (answer.json?.id) track(answer.json.id)
      assertApiError(answer, 400, message, `${base}/sandbox`)
      assert.equal((await api('GET', `/sandbox/${name}`)).status, 404, 'nothing was made')
    })
  }

  it('joins all violations of a body', async () => {
    const answer = await api('POST', '/sandbox', { body: { name: 1, user: 2, public: 'x', cpu: 'y' } })
    assertApiError(answer, 400)
    for (const part of ['name must be a string', 'user must be a string', 'public must be a boolean value', 'cpu must be a number']) assert.ok(answer.json.message.includes(part), answer.json.message)
    assert.ok(answer.json.message.includes(', '))
  })

  it('takes null as absent', async () => {
    const name = unique('raw', 'null')
    track(name)
    const body = { name, snapshot: null, user: null, env: null, labels: null, public: null, networkBlockAll: null, networkAllowList: null, target: null, cpu: null, memory: null, disk: null, gpu: null, autoStopInterval: null, autoArchiveInterval: null, autoDeleteInterval: null, volumes: null, buildInfo: null, linkedSandbox: null }
    const answer = await api('POST', '/sandbox', { body })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(answer.json.env, {})
    assert.deepEqual(answer.json.labels, {})
    assert.equal(answer.json.user, 'daytona')
    assert.equal(answer.json.autoStopInterval, 15)
    assert.equal(answer.json.autoDeleteInterval, -1)
  })

  it('ignores unknown fields, also dangerous ones', async () => {
    const name = unique('raw', 'unknown')
    track(name)
    const body = `{"name":"${name}","envVars":{"A":"b"},"id":"mine","organizationId":"other","state":"error","runnerId":"x","__proto__":{"public":true},"constructor":{"x":1},"labels":{"mark":"${mark}","__proto__":"text"}}`
    const answer = await api('POST', '/sandbox', { body })
    assert.equal(answer.status, 200, answer.text)
    assert.notEqual(answer.json.id, 'mine')
    assert.equal(answer.json.organizationId, sandbox.organizationId)
    assert.equal(answer.json.state, 'started')
    assert.equal(answer.json.public, false)
    assert.deepEqual(answer.json.env, {})
    assert.equal(answer.json.labels.mark, mark)
  })

  it('takes zeros and blanks as defaults', async () => {
    const answer = await api('POST', '/sandbox', { body: { name: '', snapshot: ' ', user: '', target: ' ', cpu: 0, memory: 0, disk: 0, gpu: 0 } })
    assert.equal(answer.status, 200, answer.text)
    track(answer.json.id)
    assert.equal(answer.json.name, answer.json.id)
    assert.equal(answer.json.user, 'daytona')
    assert.equal(answer.json.cpu, sandbox.cpu)
    assert.equal(answer.json.target, sandbox.target)
  })

  it('takes an absent body as an empty one, with and without a content type', async () => {
    for (const headers of [{}, { 'content-type': 'application/json' }]) {
      const answer = await api('POST', '/sandbox', { headers })
      assert.equal(answer.status, 200, answer.text)
      track(answer.json.id)
      assert.equal(answer.json.state, 'started')
    }
  })

  const MALFORMED = {
    'a torn object': '{"name":',
    'an open brace': '{',
    'a trailing comma': '{"name":"x",}',
    'single quotes': "{'name':'x'}",
    'a bare word': 'name',
    'two documents': '{}{}',
    'rubbish after the document': '{} x',
    'a raw control character': '{"name":"a\nb"}',
    'a bad escape': '{"name":"\\x41"}',
    'a leading zero': '{"cpu":01}',
    NaN: '{"cpu":NaN}',
    'a comment': '{/* */}',
    'a hundred thousand brackets': '['.repeat(100_000),
    'a hundred thousand nested objects': '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000),
  }
  for (const [what, body] of Object.entries(MALFORMED)) {
    it(`refuses JSON with ${what}`, async () => {
      const answer = await api('POST', '/sandbox', { body })
      if (answer.json?.id) track(answer.json.id)
      assert.equal(answer.status, 400, answer.text.slice(0, 300))
      assert.equal(answer.json.statusCode, 400)
      assert.equal(answer.json.error, 'Bad Request')
      assert.ok(answer.json.message.length > 0)
    })
  }

  it('says what is wrong with malformed JSON', async () => {
    const answer = await api('POST', '/sandbox', { body: '{"name":' })
    assert.equal(answer.json.message, 'Invalid JSON in request body')
  })

  for (const body of ['[]', '"text"', '5', 'true', '[{"name":"x"}]']) {
    it(`refuses the JSON value ${body} as a body`, async () => {
      const answer = await api('POST', '/sandbox', { body })
      if (answer.json?.id) track(answer.json.id)
      assert.equal(answer.status, 400, answer.text)
      assert.equal(answer.json.statusCode, 400)
    })
  }

  it('refuses bytes that are not UTF-8, and keeps lone surrogates from breaking anything', async () => {
    const bytes = Buffer.concat([Buffer.from(`{"name":"${unique('raw', 'utf8')}`), Buffer.from([0xff, 0xc3, 0x28]), Buffer.from('"}')])
    const response = await fetch(`${apiUrl}/sandbox`, { method: 'POST', headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }, body: bytes })
    const json = await response.json()
    if (json.id) track(json.id)
    assert.equal(response.status, 400, JSON.stringify(json))
    const surrogate = await api('POST', '/sandbox', { body: `{"name":"${unique('raw', 'surrogate')}-\\ud800"}` })
    if (surrogate.json?.id) track(surrogate.json.id)
    assert.ok([200, 400].includes(surrogate.status), surrogate.text)
    if (surrogate.status === 200) assert.equal((await api('GET', `/sandbox/${surrogate.json.id}`)).status, 200)
  })

  const SETTERS = [
    ['POST', 'autostop/abc'],
    ['POST', 'autostop/-1'],
    ['POST', 'autostop/1.5'],
    ['POST', 'autostop/NaN'],
    ['POST', 'autostop/0x10'],
    ['POST', 'autostop/99999999999999999999'],
    ['POST', 'autostop/%20'],
    ['POST', 'autoarchive/-1'],
    ['POST', 'autoarchive/x'],
    ['POST', 'autodelete/x'],
    ['GET', 'ports/0/preview-url'],
    ['GET', 'ports/65536/preview-url'],
    ['GET', 'ports/abc/preview-url'],
    ['GET', 'ports/80.5/preview-url'],
    ['GET', 'ports/-1/preview-url'],
  ]
  for (const [method, path] of SETTERS) {
    it(`${method} …/${path} is refused`, async () => {
      const intervals = async () => {
        const { autoStopInterval, autoArchiveInterval, autoDeleteInterval } = (await api('GET', `/sandbox/${sandbox.id}`)).json
        return [autoStopInterval, autoArchiveInterval, autoDeleteInterval]
      }
      const earlier = await intervals()
      const answer = await api(method, `/sandbox/${sandbox.id}/${path}`)
      assertApiError(answer, 400, /./, `${base}/sandbox/${sandbox.id}/${path}`)
      assert.deepEqual(await intervals(), earlier)
    })
  }

  it('public takes the exact text true as true and everything else as false', async () => {
    for (const [text, expected] of [['true', true], ['TRUE', false], ['true', true], ['1', false], ['true', true], ['yes', false]]) {
      const answer = await api('POST', `/sandbox/${sandbox.id}/public/${text}`)
      assert.equal(answer.status, 200, answer.text)
      assert.equal(answer.json.public, expected, text)
    }
  })

  for (const body of [{ labels: 'x' }, { labels: ['a'] }, { labels: null }, {}, { labels: 5 }]) {
    it(`PUT labels refuses ${JSON.stringify(body)}`, async () => {
      const answer = await api('PUT', `/sandbox/${sandbox.id}/labels`, { body })
      assertApiError(answer, 400, /labels/)
      assert.deepEqual((await api('GET', `/sandbox/${sandbox.id}`)).json.labels, sandbox.labels)
    })
  }

  const QUERIES = [
    ['limit=0', /limit must not be less than 1/],
    ['limit=201', /limit must not be greater than 200/],
    ['limit=abc', /limit/],
    ['limit=1.5', /limit/],
    ['limit=-1', /limit/],
    ['labels=nonsense', /Invalid labels JSON format/],
    ['labels={"a":', /Invalid labels JSON format/],
    ['cursor=%21%21%21', /Invalid cursor provided: !!!/],
    ['cursor=e30', /Invalid cursor provided: e30/],
    ['states=destroyed', /each value must be one of the following values: creating, restoring/],
    ['states=started,stopped', /each value must be one of/],
    ['sort=colour', /sort must be one of the following values: name, cpu/],
    ['order=up', /order must be one of the following values: asc, desc/],
    ['minCpu=0', /minCpu must not be less than 1/],
    ['maxDiskGiB=x', /maxDiskGiB/],
    ['createdAtAfter=yesterday', /createdAtAfter/],
  ]
  for (const [query, message] of QUERIES) {
    it(`GET /sandbox?${query} is refused`, async () => {
      const answer = await api('GET', `/sandbox?${query}`)
      assert.equal(answer.status, 400, answer.text)
      assert.match(answer.json.message, message)
      assert.equal(answer.json.statusCode, 400)
    })
  }

  it('accepts the three forms of an array in a query', async () => {
    for (const query of ['states=started&states=stopped', 'states[]=started&states[]=stopped', 'states%5B%5D=started', 'states=started']) {
      const answer = await api('GET', `/sandbox?name=${encodeURIComponent(sandbox.name)}&${query}`)
      assert.equal(answer.status, 200, answer.text)
      assert.equal(answer.json.items.length, 1, query)
    }
  })

  it('ignores unknown query parts and treats + as a space', async () => {
    const spaced = await create('spaced', { labels: { mark, 'a b': 'c d' } })
    const answer = await api('GET', `/sandbox?unknown=1&x[y]=z&labels=%7B%22a+b%22%3A%22c+d%22%2C%22mark%22%3A%22${mark}%22%7D`)
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(answer.json.items.map((item) => item.id), [spaced.id])
  })

  it('accepts raw braces and quotes in a query', async () => {
    const raw = await create('raw-query', { labels: { rawquery: mark } })
    const request = `GET ${apiOrigin.path}/sandbox?labels={"rawquery":"${mark}"} HTTP/1.1\r\nHost: ${apiOrigin.host}\r\nAuthorization: Bearer ${apiKey}\r\nConnection: close\r\n\r\n`
    const { responses } = await exchange(apiOrigin, request)
    assert.equal(responses.length, 1)
    assert.equal(responses[0].status, 200, responses[0].text)
    assert.deepEqual(responses[0].json.items.map((item) => item.id), [raw.id])
  })

  it('names what it does not find', async () => {
    for (const name of ['nobody', 'with space', 'ünïcødé', 'a/b', '..', '%', "'; drop table sandbox; --", '\u0000', 'x'.repeat(3000)]) {
      const answer = await api('GET', `/sandbox/${encodeURIComponent(name)}`)
      assert.ok([400, 404].includes(answer.status), `${name}: ${answer.status}`)
      if (answer.status === 404 && /^[\w /ü'ïøé;-]+$/.test(name)) assert.equal(answer.json.message, `Sandbox with ID or name ${name} not found`)
      assert.equal(answer.json.statusCode, answer.status)
    }
    assertApiError(await api('GET', '/sandbox/nobody?x=1&y=2'), 404, /nobody/, `${base}/sandbox/nobody?x=1&y=2`)
    for (const [method, path] of [['POST', '/start'], ['POST', '/stop'], ['DELETE', ''], ['PUT', '/labels'], ['POST', '/autostop/5'], ['POST', '/public/true'], ['GET', '/ports/1/preview-url']]) {
      assertApiError(await api(method, `/sandbox/nobody${path}`, { body: method === 'PUT' ? { labels: {} } : undefined }), 404, /Sandbox with ID or name nobody not found/)
    }
    assertApiError(await api('GET', '/sandbox/nobody/toolbox-proxy-url'), 404, /not found/)
    assertApiError(await api('GET', '/snapshots/nobody'), 404, /nobody/)
  })

  it('answers unknown routes and methods with 404 and the request in the message', async () => {
    for (const [method, path] of [['GET', '/nope'], ['GET', '/nope?x=1'], ['POST', '/nope/deeper'], ['PATCH', '/sandbox'], ['DELETE', '/sandbox'], ['PUT', '/health'], ['GET', '/sandbox/x/y/z/w'], ['POST', `/sandbox/${sandbox.id}/no-such-verb`]]) {
      const answer = await api(method, path)
      assertApiError(answer, 404, undefined, `${base}${path}`)
      assert.equal(answer.json.message, `Cannot ${method} ${base}${path}`)
      assert.equal(answer.json.error, 'Not Found')
      const anonymous = await api(method, path, { key: null })
      assert.ok([401, 404].includes(anonymous.status), anonymous.text)
    }
  })

  it('refuses a body beyond the limit with 413 and stays usable', async () => {
    const huge = JSON.stringify({ name: unique('raw', 'huge'), labels: { x: 'y'.repeat(64 * 1024 * 1024) } })
    let status
    try {
      const answer = await api('POST', '/sandbox', { body: huge })
      status = answer.status
      if (answer.json?.id) track(answer.json.id)
    } catch {
      status = 'closed' // the server may close while the body is still being sent
    }
    assert.ok(status === 413 || status === 'closed', `answered ${status}`)
    await assertAlive()
  })

  it('takes a Dockerfile of 200 kB as a body, whatever it then says', async () => {
    const answer = await api('POST', '/sandbox', { body: { name: unique('raw', 'dockerfile'), env: { BIG: 'x'.repeat(200_000) } } })
    if (answer.json?.id) track(answer.json.id)
    assert.ok([200, 400].includes(answer.status), `${answer.status} ${answer.text.slice(0, 200)}`)
  })

  it('refuses a second stop, and a stop and a deletion of what goes', async () => {
    const other = await create('conflict')
    assert.equal((await api('POST', `/sandbox/${other.id}/stop`)).status, 200)
    const second = await api('POST', `/sandbox/${other.id}/stop`)
    assert.ok([400, 409].includes(second.status), second.text)
    assert.match(second.json.message, /Sandbox state change in progress|not in a stoppable state/)
    await eventually('stopped', async () => (await api('GET', `/sandbox/${other.id}`)).json.state === 'stopped')
    assert.equal((await api('DELETE', `/sandbox/${other.id}`)).status, 200)
    const again = await api('DELETE', `/sandbox/${other.id}`)
    assert.ok([404, 409].includes(again.status), again.text)
    const start = await api('POST', `/sandbox/${other.id}/start`)
    assert.ok([400, 404, 409].includes(start.status), start.text)
  })
})
