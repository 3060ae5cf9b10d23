// Previews end to end: a client at <port>-<sandbox>.<base>, the proxy, the runner, the daemon, a program in the sandbox.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import { before, describe, it } from 'node:test'
import { api, apiKey, eventually } from '../lib/api.mjs'
import { Origin, exchange, upgrade } from '../lib/wire.mjs'
import { APP, WebSocketClient, preview, send } from './preview-app.mjs'
import { assertToolboxError, run, sandboxes, toolbox } from './setup.mjs'

const UNKNOWN = '00000000-0000-4000-8000-000000000000'
const WRONG = `dtn_${'0'.repeat(64)}`
const PORT = 3000

async function startApp(sandbox, port = PORT, options = '') {
  await run(sandbox, `cat > app.py <<'END_OF_APP'\n${APP}\nEND_OF_APP`)
  await run(sandbox, `setsid python3 app.py ${port} ${options} < /dev/null > app-${port}.log 2>&1 &`)
  await eventually(`the program listens on ${port}`, async () => (await toolbox(sandbox, 'GET', `/proxy/${port}/`)).status === 200)
}

async function link(sandbox, port = PORT) {
  const { status, json, text } = await api('GET', `/sandbox/${sandbox.id}/ports/${port}/preview-url`)
  assert.equal(status, 200, text)
  return { ...json, origin: preview(json.url) }
}

async function signedLink(sandbox, port = PORT, seconds = 300) {
  const { status, json, text } = await api('GET', `/sandbox/${sandbox.id}/ports/${port}/signed-preview-url?expiresInSeconds=${seconds}`)
  assert.equal(status, 200, text)
  return { ...json, origin: preview(json.url) }
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')
const headersOf = (answer, name) => answer.json.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)

describe('previews of a public sandbox', () => {
  const { create } = sandboxes('preview-public')
  let sandbox
  let origin
  let token
  before(async () => {
    sandbox = await create('shared', { public: true })
    await startApp(sandbox)
    ;({ origin, token } = await link(sandbox))
  })

  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
    it(`passes ${method} with path, query and body`, async () => {
      const body = method === 'GET' ? undefined : 'the body'
      const answer = await send(origin, { method, path: '/a%2Fb/%C3%A9//x;y=1?b=%20&a=+&a', body })
      assert.equal(answer.status, 200, answer.text)
      assert.equal(answer.json.method, method)
      assert.equal(answer.json.target, '/a%2Fb/%C3%A9//x;y=1?b=%20&a=+&a')
      if (body) assert.equal(answer.json.sha256, sha256(body))
    })
  }

  it('passes targets that no router would take', async () => {
    for (const target of ['/100%', '/%zz', '/%00/x', '/..%2f..', '/a//b/', '/?', '/?a[]=1&%', '/proxy/3000/x', '/toolbox/x/y', '/health', '/callback', "/'\"<>"]) {
      const { responses } = await exchange(origin, `GET ${target} HTTP/1.1\r\nHost: ${origin.host}\r\nConnection: close\r\n\r\n`)
      assert.equal(responses[0]?.status, 200, `${target}: ${responses[0]?.text}`)
      assert.equal(responses[0].json.target, target)
    }
  })

  it('answers HEAD with the head alone', async () => {
    const sized = await send(origin, { method: 'HEAD', path: '/large?12345' })
    assert.equal(sized.status, 200)
    assert.equal(sized.headers['content-length'], '12345')
    assert.equal(sized.bytes.length, 0)
    const chunked = await send(origin, { method: 'HEAD', path: '/chunked' })
    assert.equal(chunked.headers['content-length'], undefined)
  })

  it('lets answers of the program pass, whatever they are', async () => {
    for (const status of [201, 204, 304, 400, 401, 403, 404, 418, 500, 502, 503]) {
      const answer = await send(origin, { path: `/status?${status}` })
      assert.equal(answer.status, status)
      assert.equal(answer.headers['x-app'], 'yes')
      if (![204, 304].includes(status)) assert.equal(answer.text, `the program's own ${status}`)
    }
    const answer = await send(origin, { path: '/cookies' })
    assert.deepEqual(answer.headers['set-cookie'], ['a=1; Path=/', 'b=2'])
    const moved = await send(origin, { path: '/redirect' })
    assert.equal(moved.status, 302)
    assert.equal(moved.headers.location, '/elsewhere')
  })

  it('tells the program where it was called, and nothing of ours', async () => {
    const answer = await send(origin, {
      headers: {
        'x-daytona-preview-token': token,
        'x-daytona-authorization': 'Bearer guess',
        authorization: 'Bearer of-the-program',
        cookie: 'a=1; daytona-sandbox-auth-x=y; b=2',
        'x-forwarded-for': '192.0.2.1',
        connection: 'keep-alive, x-hop',
        'x-hop': '1',
        te: 'trailers',
        'proxy-authorization': 'Basic x',
        'x-kept': 'yes',
      },
    })
    assert.deepEqual(headersOf(answer, 'host'), [`localhost:${PORT}`])
    assert.deepEqual(headersOf(answer, 'x-forwarded-host'), [origin.host])
    assert.match(headersOf(answer, 'x-forwarded-for')[0], /^192\.0\.2\.1, /)
    assert.deepEqual(headersOf(answer, 'authorization'), ['Bearer of-the-program'])
    assert.deepEqual(headersOf(answer, 'cookie'), ['a=1; b=2'])
    assert.deepEqual(headersOf(answer, 'x-kept'), ['yes'])
    for (const gone of ['x-daytona-preview-token', 'x-daytona-authorization', 'x-forwarded-proto', 'x-hop', 'te', 'proxy-authorization', 'keep-alive']) assert.deepEqual(headersOf(answer, gone), [], gone)
    assert.equal(answer.headers['x-daytona-runner-answer'], undefined)
    const own = await send(origin, { headers: { 'x-forwarded-host': 'custom.example' } })
    assert.equal(headersOf(own, 'x-forwarded-host')[0], 'custom.example')
  })

  it('keeps an API key from the program', async () => {
    const answer = await send(origin, { headers: { authorization: `Bearer ${apiKey}` } })
    assert.deepEqual(headersOf(answer, 'authorization'), [])
    assert.ok(!answer.text.includes(apiKey))
    const key = await send(origin, { path: `/?a=1&DAYTONA_SANDBOX_AUTH_KEY=${token}&b=2` })
    assert.equal(key.json.target, '/?a=1&b=2')
  })

  it('moves large bodies down and up', async () => {
    const size = 48 << 20
    const down = await send(origin, { path: `/large?${size}` })
    assert.equal(down.bytes.length, size)
    assert.equal(sha256(down.bytes), sha256(Buffer.alloc(size, 'x')))
    const body = randomBytes(32 << 20)
    const up = await send(origin, { method: 'POST', path: '/up', body })
    assert.equal(up.json.length, body.length)
    assert.equal(up.json.sha256, sha256(body))
  })

  it('moves bodies of unknown length down and up', async () => {
    const down = await send(origin, { path: '/chunked' })
    assert.equal(down.text, Array.from({ length: 1000 }, (_, i) => `piece ${i}\n`).join(''))
    const body = randomBytes(3 << 20)
    const up = await send(origin, { method: 'POST', path: '/up', body, chunked: true })
    assert.equal(up.json.length, body.length)
    assert.equal(up.json.sha256, sha256(body))
  })

  it('holds no part of a stream back', async () => {
    const pieces = await new Promise((resolve, reject) => {
      const seen = []
      const request = http.request({ host: origin.hostname, port: origin.port, path: '/two', headers: { host: origin.host } }, (response) => {
        response.on('data', (piece) => {
          seen.push(piece.toString())
          if (seen.length === 1) send(origin, { path: '/go' }).catch(reject)
        })
        response.on('end', () => resolve(seen))
      })
      request.on('error', reject)
      request.end()
    })
    assert.deepEqual(pieces, ['first', 'second'])
  })

  it('passes WebSockets', async () => {
    const socket = await WebSocketClient.open(origin, '/ws?x=1', { 'Sec-WebSocket-Protocol': 'chat' })
    assert.equal(socket.status, 101)
    assert.equal(socket.headers['sec-websocket-protocol'], 'chat')
    for (const text of ['hello', 'x'.repeat(70_000), 'é']) {
      socket.send(text)
      assert.equal(await socket.receive(), `echo ${text}`)
    }
    assert.equal(await socket.close(4001), 4001)
  })

  it('uses connections again on both sides', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const ports = new Set()
    const connections = new Set()
    for (let i = 0; i < 30; i += 1) {
      const answer = await send(origin, { agent, path: `/${i}` })
      ports.add(answer.localPort)
      connections.add(answer.json.connection)
    }
    agent.destroy()
    assert.equal(ports.size, 1, 'connections of the client')
    assert.ok(connections.size < 10, `connections to the program: ${connections.size}`)
  })

  it('serves a program that was started again', async () => {
    await startApp(sandbox, 3100)
    const other = (await link(sandbox, 3100)).origin
    assert.equal((await send(other, {})).status, 200)
    await run(sandbox, "pkill -f 'app.py 3100'; while pgrep -f 'app.py 3100' > /dev/null; do sleep 0.05; done")
    assertToolboxError(await send(other, {}), 502, /nothing listens on port 3100/)
    await startApp(sandbox, 3100)
    const posted = await send(other, { method: 'POST', body: 'again' })
    assert.equal(posted.json?.sha256, sha256('again'), posted.text)
  })

  // ::1 is a unit test of the daemon: not every sandbox has an IPv6 loopback.
  for (const [address, port] of [['127.0.0.1', 3201], ['::', 3202]]) {
    it(`reaches a program that listens on ${address} only`, async () => {
      await startApp(sandbox, port, address)
      assert.equal((await send((await link(sandbox, port)).origin, { path: '/x' })).json.target, '/x')
    })
  }

  it('reaches a program that speaks HTTP/1.0', async () => {
    await run(sandbox, 'mkdir -p www && echo old > www/f.txt && (cd www && setsid python3 -m http.server 3300 < /dev/null > /dev/null 2>&1 &)')
    const { origin: old } = await link(sandbox, 3300)
    await eventually('http.server listens', async () => (await send(old, {})).status === 200)
    assert.equal((await send(old, { path: '/f.txt' })).text, 'old\n')
    assert.equal((await send(old, { path: '/none' })).status, 404)
    assert.equal((await send(old, { method: 'POST', path: '/f.txt', body: 'x' })).status, 501)
  })

  it('says that nothing listens', async () => {
    const { origin: nobody } = await link(sandbox, 3999)
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await send(nobody, { method, body: method === 'POST' ? 'x' : undefined })
      assertToolboxError(answer, 502, /nothing listens on port 3999/)
      assert.equal(answer.json.code, 'BAD_GATEWAY')
    }
    assert.equal((await upgrade(nobody, '/ws')).status, 502)
  })

  it('gives programs that answer nonsense a bad gateway', async () => {
    await run(sandbox, `setsid python3 -c "import socket
s = socket.create_server(('', 3400))
while True:
    c, _ = s.accept(); c.recv(100); c.sendall(b'nonsense\\r\\n\\r\\n'); c.close()" < /dev/null > /dev/null 2>&1 &`)
    const { origin: odd } = await link(sandbox, 3400)
    await eventually('it listens', async () => !/nothing listens/.test((await send(odd, {})).text))
    assertToolboxError(await send(odd, {}), 502, /port 3400/)
  })

  for (const port of [2280, 22222, 33333]) {
    it(`keeps port ${port} private`, async () => {
      const hidden = preview(origin.url.replace(`${PORT}-`, `${port}-`))
      for (const headers of [{}, { authorization: `Bearer ${WRONG}` }, { 'x-daytona-preview-token': 'x'.repeat(32) }]) assertToolboxError(await send(hidden, { path: '/version', headers }), 401)
      assert.equal((await upgrade(hidden, '/ws')).status, 401)
      const allowed = await send(hidden, { path: '/version', headers: { 'x-daytona-preview-token': token } })
      assert.notEqual(allowed.status, 401)
      if (port === 2280) assert.match(allowed.json.version, /^v/)
    })
  }

  it('takes no port that is written oddly', async () => {
    for (const port of ['02280', '022222', '+2280', '2280 ', '0', '65536', '002280', '2280.0', '0x8e8', '%32280', '']) {
      const host = origin.host.replace(`${PORT}-`, `${port}-`)
      const { responses } = await exchange(origin, `GET /version HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      assert.equal(responses.length, 1)
      assert.ok([400, 404].includes(responses[0].status), `${host}: ${responses[0].status} ${responses[0].text}`)
    }
  })

  it('answers preflights itself unless told not to', async () => {
    const asked = { origin: 'https://elsewhere.example', 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-own' }
    const preflight = await send(origin, { method: 'OPTIONS', headers: asked })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers['access-control-allow-origin'], asked.origin)
    assert.match(preflight.headers['access-control-allow-headers'], /x-own/)
    const passed = await send(origin, { method: 'OPTIONS', headers: { ...asked, 'x-daytona-disable-cors': 'true' } })
    assert.equal(passed.json.method, 'OPTIONS')
    assert.equal(passed.headers['access-control-allow-origin'], undefined)
    assert.deepEqual(headersOf(passed, 'x-daytona-disable-cors'), [])
    const simple = await send(origin, { headers: { origin: asked.origin } })
    assert.equal(simple.headers['access-control-allow-origin'], asked.origin)
    const same = await send(origin, { headers: { origin: `http://${origin.host}` } })
    assert.equal(same.headers['access-control-allow-origin'], undefined)
  })
})

describe('previews of a private sandbox', () => {
  const { create } = sandboxes('preview-private')
  let sandbox
  let other
  let origin
  let token
  before(async () => {
    sandbox = await create('mine')
    other = await create('other')
    await startApp(sandbox)
    await startApp(sandbox, 3001)
    ;({ origin, token } = await link(sandbox))
  })

  it('refuses whoever shows nothing or something wrong', async () => {
    const foreign = await link(other)
    const attempts = [
      {},
      { headers: { authorization: `Bearer ${WRONG}` } },
      { headers: { authorization: apiKey } },
      { headers: { 'x-daytona-preview-token': 'wrong' } },
      { headers: { 'x-daytona-preview-token': foreign.token } },
      { headers: { 'x-daytona-preview-token': '' } },
      { path: '/?DAYTONA_SANDBOX_AUTH_KEY=wrong' },
      { path: `/?DAYTONA_SANDBOX_AUTH_KEY=${foreign.token}` },
      { path: `/?daytona_sandbox_auth_key=${token}` },
      { headers: { cookie: `daytona-sandbox-auth-${sandbox.id}=${token}` } },
      { headers: { cookie: `daytona-sandbox-auth-${sandbox.id}=eHwxfHk` } },
    ]
    for (const attempt of attempts) assertToolboxError(await send(origin, attempt), 401, /^unauthorized: /)
    assert.match((await send(origin, {})).json.message, /missing authentication/)
    assert.match((await send(origin, attempts[1])).json.message, /Bearer token is invalid/)
    assert.match((await send(origin, attempts[3])).json.message, /Auth key header is invalid/)
    assert.match((await send(origin, attempts[6])).json.message, /Auth key query parameter is invalid/)
    assert.equal((await upgrade(origin, '/ws')).status, 401)
  })

  it('takes an API key, which the program does not see', async () => {
    const answer = await send(origin, { headers: { authorization: `Bearer ${apiKey}` } })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(headersOf(answer, 'authorization'), [])
  })

  it('takes the token of the link in a header, beside an authorization of the program', async () => {
    const answer = await send(origin, { headers: { 'x-daytona-preview-token': token, authorization: 'Bearer of-the-program' } })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(headersOf(answer, 'authorization'), ['Bearer of-the-program'])
    assert.deepEqual(headersOf(answer, 'x-daytona-preview-token'), [])
    assert.equal(answer.headers['set-cookie'], undefined)
  })

  it('takes the token in the query, which the program does not see', async () => {
    const answer = await send(origin, { path: `/p?z=%20&DAYTONA_SANDBOX_AUTH_KEY=${token}&a=+` })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.json.target, '/p?z=%20&a=+')
  })

  it('opens WebSockets with the token in the query or in a header', async () => {
    for (const [path, headers] of [[`/ws?DAYTONA_SANDBOX_AUTH_KEY=${token}`, {}], ['/ws', { 'X-Daytona-Preview-Token': token }], ['/ws', { Authorization: `Bearer ${apiKey}` }]]) {
      const socket = await WebSocketClient.open(origin, path, headers)
      assert.equal(socket.status, 101)
      socket.send('hello')
      assert.equal(await socket.receive(), 'echo hello')
      assert.equal(await socket.close(1000), 1000)
    }
  })

  it('serves the toolbox on port 2280', async () => {
    const { origin: own } = await link(sandbox, 2280)
    const answer = await send(own, { path: '/files?path=.', headers: { 'x-daytona-preview-token': token } })
    assert.equal(answer.status, 200, answer.text)
    assert.ok(answer.json.some(({ name }) => name === 'app.py'))
  })

  it('serves the web terminal on port 22222', async () => {
    const signed = await signedLink(sandbox, 22222)
    const page = await send(signed.origin, {})
    assert.equal(page.status, 200)
    assert.match(page.headers['content-type'], /^text\/html/)
    const cookie = page.headers['set-cookie'][0].split(';')[0]
    const socket = await WebSocketClient.open(signed.origin, '/ws', { Cookie: cookie })
    assert.equal(socket.status, 101)
    socket.send('echo $((6 * 7))!\r')
    for (let seen = ''; !seen.includes('42!'); ) seen += await socket.receive()
    socket.socket.destroy()
  })

  it('opens with a signed link and goes on with its cookie', async () => {
    const signed = await signedLink(sandbox)
    assert.match(signed.token, /^[a-z0-9]{16}$/)
    const first = await send(signed.origin, { path: '/x?y' })
    assert.equal(first.status, 200, first.text)
    assert.equal(first.json.target, '/x?y')
    assert.deepEqual(headersOf(first, 'x-forwarded-host'), [signed.origin.host])
    const [set] = first.headers['set-cookie']
    assert.match(set, new RegExp(`^daytona-sandbox-auth-${signed.token}=[^;]+; Path=/; Max-Age=3600; HttpOnly$`))
    const cookie = set.split(';')[0]

    await api('POST', `/sandbox/${sandbox.id}/ports/${PORT}/signed-preview-url/${signed.token}/expire`)
    assertToolboxError(await send(signed.origin, {}), 401)
    const kept = await send(signed.origin, { headers: { cookie: `own=1; ${cookie}` } })
    assert.equal(kept.status, 200, 'the cookie outlives its link')
    assert.deepEqual(headersOf(kept, 'cookie'), ['own=1'])

    const [name, value] = cookie.split('=')
    const damaged = `${value.slice(0, 10)}${value[10] === 'A' ? 'B' : 'A'}${value.slice(11)}`
    assertToolboxError(await send(signed.origin, { headers: { cookie: `${name}=${damaged}` } }), 401)
    for (const port of [3001, 2280, 22222]) {
      const elsewhere = preview(signed.origin.url.replace(`${PORT}-`, `${port}-`))
      assertToolboxError(await send(elsewhere, { headers: { cookie } }), 401)
    }
    assertToolboxError(await send(origin, { headers: { cookie: `daytona-sandbox-auth-${sandbox.id}=${value}` } }), 401)
  })

  it('takes a signed link for its own port and time only', async () => {
    const signed = await signedLink(sandbox)
    assertToolboxError(await send(preview(signed.origin.url.replace(`${PORT}-`, '3001-')), {}), 401)
    const short = await signedLink(sandbox, PORT, 1)
    await eventually('the link expires', async () => (await send(short.origin, {})).status === 401)
    const unknown = preview(signed.origin.url.replace(signed.token, 'aaaaaaaaaaaaaaaa'))
    assertToolboxError(await send(unknown, {}), 401)
  })

  it('follows the public flag', async () => {
    assert.equal((await api('POST', `/sandbox/${sandbox.id}/public/true`)).status, 200)
    await eventually('it is public', async () => (await send(origin, {})).status === 200)
    await api('POST', `/sandbox/${sandbox.id}/public/false`)
    await eventually('it is private again', async () => (await send(origin, {})).status === 401)
  })

  it('reaches programs through the toolbox path too', async () => {
    const answer = await toolbox(sandbox, 'PUT', `/proxy/${PORT}/a%2Fb?c=%20`, { body: 'x' })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.json.target, '/a%2Fb?c=%20')
    assert.equal((await toolbox(sandbox, 'HEAD', `/proxy/${PORT}/large?77`)).headers.get('content-length'), '77')
    assert.deepEqual((await toolbox(sandbox, 'GET', '/proxy/2280/version')).json, (await toolbox(sandbox, 'GET', '/version')).json)
    for (const port of ['0', '65536', '080', 'http', '-1']) assertToolboxError(await toolbox(sandbox, 'GET', `/proxy/${port}/x`), 400, /failed to parse target URL/)
    const toolboxOrigin = new Origin(sandbox.toolboxProxyUrl)
    const path = `${toolboxOrigin.path}/${sandbox.id}/proxy/${PORT}`
    const moved = await send(toolboxOrigin, { path: `${path}/redirect`, headers: { authorization: `Bearer ${apiKey}` } })
    assert.equal(moved.headers.location, `${path}/elsewhere`)
  })
})

describe('previews of what is not there', () => {
  const { create } = sandboxes('preview-absent')

  it('does not find an unknown sandbox', async () => {
    const sandbox = await create()
    const { origin } = await link(sandbox)
    const absent = preview(origin.url.replace(sandbox.id, UNKNOWN))
    assertToolboxError(await send(absent, {}), 401)
    assertToolboxError(await send(absent, { headers: { authorization: `Bearer ${WRONG}` } }), 401)
    assertToolboxError(await send(absent, { headers: { authorization: `Bearer ${apiKey}` } }), 404)
    const byName = preview(origin.url.replace(sandbox.id, sandbox.name))
    assert.ok((await send(byName, { headers: { authorization: `Bearer ${apiKey}` } })).status >= 400)
  })

  it('refuses a stopped sandbox at once and serves it again after its start', async () => {
    const sandbox = await create('stopped', { public: true })
    await startApp(sandbox)
    const { origin, token } = await link(sandbox)
    assert.equal((await send(origin, {})).status, 200)
    await api('POST', `/sandbox/${sandbox.id}/stop`)
    await eventually('it is stopped', async () => (await api('GET', `/sandbox/${sandbox.id}`)).json.state === 'stopped')
    const answer = await send(origin, {})
    assertToolboxError(answer, 400, /started/)
    await api('POST', `/sandbox/${sandbox.id}/start`)
    await eventually('it is started', async () => (await api('GET', `/sandbox/${sandbox.id}`)).json.state === 'started')
    assertToolboxError(await send(origin, {}), 502, /nothing listens/)
    await startApp(sandbox)
    assert.equal((await send(origin, {})).status, 200)
    assert.notEqual((await link(sandbox)).token, token)
  })
})
