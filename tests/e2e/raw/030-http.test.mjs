// HTTP itself, byte by byte, against the API and the toolbox proxy: ambiguous framing is refused and the connection closed, so that
// no byte of a body is ever taken for a second request.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { apiKey } from '../lib/api.mjs'
import { Origin, exchange } from '../lib/wire.mjs'
import { apiOrigin, assertAlive, sandboxes } from './setup.mjs'

const { create } = sandboxes('http')
let sandbox
const targets = {
  api: () => ({ origin: apiOrigin, get: `${apiOrigin.path}/sandbox?limit=1`, post: `${apiOrigin.path}/sandbox/${sandbox.id}/last-activity`, lost: `${apiOrigin.path}/sandbox/smuggled-request`, good: [200, 201] }),
  toolbox: () => {
    const origin = new Origin(sandbox.toolboxProxyUrl)
    return { origin, get: `${origin.path}/${sandbox.id}/version`, post: `${origin.path}/${sandbox.id}/process/execute`, lost: `${origin.path}/${sandbox.id}/files/info?path=smuggled-request`, good: [200, 400] }
  },
}

before(async () => {
  sandbox = await create()
})
after(assertAlive)

const auth = `Authorization: Bearer ${apiKey}\r\n`

for (const [name, resolve] of Object.entries(targets)) {
  describe(`HTTP at the ${name}`, () => {
    let t
    let host
    let hidden
    before(() => {
      t = resolve()
      host = `Host: ${t.origin.host}\r\n`
      // The request an attacker would hide: if it is ever answered, the answer names what it did not find.
      hidden = `GET ${t.lost} HTTP/1.1\r\n${host}${auth}\r\n`
    })

    const head = (line, ...headers) => `${line}\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n`
    const post = (...headers) => head(`POST ${t.post} HTTP/1.1`, `Host: ${t.origin.host}`, `Authorization: Bearer ${apiKey}`, 'Content-Type: application/json', ...headers)

    async function refused(bytes, statuses = [400]) {
      const result = await exchange(t.origin, bytes, { seconds: 30 })
      const said = JSON.stringify(result.responses.map((response) => response.status))
      for (const response of result.responses) assert.ok(!response.text.includes('smuggled-request'), `the hidden request was answered: ${said}`)
      assert.ok(result.closed, `the connection is closed; got ${said}`)
      assert.ok(!result.malformed, result.malformed)
      // An answer that did not need the body may come before the error; nothing may come after it.
      assert.ok(result.responses.length <= 2, said)
      const last = result.responses.pop()
      if (last) assert.ok(statuses.includes(last.status), `${last.status} ${last.text.slice(0, 200)}`)
      for (const early of result.responses) assert.ok(t.good.includes(early.status), said)
    }

    it('answers a plain request, and two on one connection in order', async () => {
      const one = await exchange(t.origin, `GET ${t.get} HTTP/1.1\r\n${host}${auth}Connection: close\r\n\r\n`)
      assert.deepEqual(one.responses.map((response) => response.status), [200])
      assert.ok(one.closed)
      const two = await exchange(t.origin, `GET ${t.get} HTTP/1.1\r\n${host}${auth}\r\nGET ${t.get}&second=1 HTTP/1.1\r\n${host}\r\n`.replace('&second', name === 'api' ? '&second' : '?second'), { responses: 2 })
      assert.deepEqual(two.responses.map((response) => response.status), [200, 401])
    })

    it('keeps the connection after an error of the application', async () => {
      const { responses } = await exchange(t.origin, `GET ${t.get} HTTP/1.1\r\n${host}\r\nGET ${t.get} HTTP/1.1\r\n${host}${auth}\r\n`, { responses: 2 })
      assert.deepEqual(responses.map((response) => response.status), [401, 200])
    })

    it('answers HTTP/1.0 and closes', async () => {
      const result = await exchange(t.origin, `GET ${t.get} HTTP/1.0\r\n${host}${auth}\r\n`)
      assert.ok(result.closed)
      assert.equal(result.responses.length, 1)
      assert.equal(result.responses[0].status, 200)
      assert.ok(!('transfer-encoding' in result.responses[0].headers))
    })

    it('takes a chunked body, in one piece and byte by byte', async () => {
      const body = JSON.stringify({ command: 'echo chunked' })
      const chunked = `${body.length.toString(16)};ext=1\r\n${body}\r\n0\r\n\r\n`
      const whole = await exchange(t.origin, post('Transfer-Encoding: chunked', 'Connection: close') + chunked)
      assert.equal(whole.responses.length, 1)
      assert.ok(t.good.includes(whole.responses[0].status), whole.responses[0].text)
      const bytes = [...(post('Transfer-Encoding: chunked', 'Connection: close') + chunked)]
      const single = await exchange(t.origin, bytes)
      assert.equal(single.responses.length, 1)
      assert.ok(t.good.includes(single.responses[0].status), single.responses[0].text)
    })

    it('answers a client that closes its half after the request', async () => {
      const { responses } = await exchange(t.origin, `GET ${t.get} HTTP/1.1\r\n${host}${auth}Connection: close\r\n\r\n`, { halfClose: true })
      // A proxy takes the end of a client's side for a client that left, as others do; it must then say so or close.
      const statuses = responses.map((response) => response.status)
      if (t.origin === apiOrigin) assert.deepEqual(statuses, [200])
      else assert.ok(statuses.length <= 1 && statuses.every((status) => [200, 502, 503].includes(status)), statuses.join())
    })

    it('handles Expect: 100-continue', async () => {
      const body = JSON.stringify({ command: 'true' })
      const { responses } = await exchange(t.origin, post('Expect: 100-continue', `Content-Length: ${body.length}`, 'Connection: close') + body)
      const final = responses.filter((response) => response.status >= 200)
      assert.equal(final.length, 1)
      assert.ok([...t.good, 417].includes(final[0].status), final[0].text)
    })

    it('treats a second value of Connection and letter case of header names as HTTP does', async () => {
      const { responses } = await exchange(t.origin, `GET ${t.get} HTTP/1.1\r\nhOST: ${t.origin.host}\r\naUTHORIZATION: bearer ${apiKey}\r\nConnection: x, close\r\n\r\n`)
      assert.deepEqual(responses.map((response) => response.status), [200])
    })

    const FRAMING = {
      'Content-Length and Transfer-Encoding': ['Content-Length: 4', 'Transfer-Encoding: chunked'],
      'Transfer-Encoding and Content-Length': ['Transfer-Encoding: chunked', 'Content-Length: 4'],
      'two different lengths': ['Content-Length: 0', 'Content-Length: 40'],
      'a list of lengths': ['Content-Length: 0, 40'],
      'a signed length': ['Content-Length: +4'],
      'a negative length': ['Content-Length: -1'],
      'a hexadecimal length': ['Content-Length: 0x4'],
      'a length with rubbish': ['Content-Length: 4a'],
      'an empty length': ['Content-Length: '],
      'a length beyond 64 bits': ['Content-Length: 99999999999999999999999'],
      'chunked, identity': ['Transfer-Encoding: chunked, identity'],
      'identity, chunked': ['Transfer-Encoding: identity, chunked'],
      identity: ['Transfer-Encoding: identity'],
      gzip: ['Transfer-Encoding: gzip'],
      'gzip, chunked': ['Transfer-Encoding: gzip, chunked'],
      'an unknown coding': ['Transfer-Encoding: xchunked'],
      'chunked twice': ['Transfer-Encoding: chunked, chunked'],
      'two Transfer-Encoding headers': ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
      'an empty Transfer-Encoding': ['Transfer-Encoding: '],
      'a quoted coding': ['Transfer-Encoding: "chunked"'],
      'a vertical tab before the coding': ['Transfer-Encoding: \u000bchunked'],
      'a space before the colon': ['Transfer-Encoding : chunked'],
      'a folded Transfer-Encoding': ['Transfer-Encoding:', ' chunked'],
      'a folded header': ['X-Folded: a', '  b', 'Content-Length: 0'],
      'a header that starts with a space': [' Content-Length: 4'],
      'a header without a colon': ['Content-Length 4'],
      'a header without a name': [': value'],
      'a NUL in a value': ['X-Nul: a\u0000b'],
      'a NUL in a name': ['X-\u0000: a'],
      'a bare CR in a value': ['X-Cr: a\rContent-Length: 4'],
      'a control character in a name': ['X-\u0001: a'],
    }
    for (const [what, headers] of Object.entries(FRAMING)) {
      it(`refuses ${what}`, async () => {
        await refused(`${post(...headers)}0\r\n\r\n${hidden}`, [400, 411, 413, 501])
      })
    }

    it('refuses a missing, an empty and a second Host', async () => {
      await refused(`GET ${t.get} HTTP/1.1\r\n${auth}\r\n${hidden}`)
      await refused(`GET ${t.get} HTTP/1.1\r\n${host}${host}${auth}\r\n${hidden}`)
      await refused(`GET ${t.get} HTTP/1.1\r\n${host}Host: other.example\r\n${auth}\r\n${hidden}`)
      await refused(`GET ${t.get} HTTP/1.1\r\nHost: a b\r\n${auth}\r\n${hidden}`, [400, 404])
    })

    it('refuses lines that end in a bare LF', async () => {
      await refused(`GET ${t.get} HTTP/1.1\n${host.replace('\r', '')}${auth.replace('\r', '')}\n${hidden}`)
      await refused(`GET ${t.get} HTTP/1.1\r\n${host}X: a\nContent-Length: 40\r\n${auth}\r\n${hidden}`)
    })

    it('refuses a chunked body in HTTP/1.0', async () => {
      await refused(`POST ${t.post} HTTP/1.0\r\n${host}${auth}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`, [400, 411, 501])
    })

    const CHUNKS = {
      'a size that is none': 'zz\r\n',
      'a negative size': '-1\r\nabc\r\n0\r\n\r\n',
      'a size beyond 64 bits': 'fffffffffffffffff\r\nabc\r\n0\r\n\r\n',
      'a size with 0x': '0x3\r\nabc\r\n0\r\n\r\n',
      'a space before the size': ' 3\r\nabc\r\n0\r\n\r\n',
      'an empty size': '\r\nabc\r\n0\r\n\r\n',
      'data longer than the size': '3\r\nabcdef\r\n0\r\n\r\n',
      'no CRLF after the data': '3\r\nabc0\r\n\r\n',
      'a bare LF after the size': '3\nabc\r\n0\r\n\r\n',
      'an endless extension': `3;${'x'.repeat(200_000)}\r\nabc\r\n0\r\n\r\n`,
      'trailers that change the framing': '0\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n',
    }
    for (const [what, body] of Object.entries(CHUNKS)) {
      it(`refuses chunks with ${what}`, async () => {
        await refused(`${post('Transfer-Encoding: chunked')}${body}${hidden}`, [400, 413, 431, 502])
      })
    }

    const REQUEST_LINES = {
      'no version': 'GET /x',
      'an unknown version': 'GET /x HTTP/9.9',
      'HTTP/2.0': 'GET /x HTTP/2.0',
      'a letter case of its own': 'GET /x http/1.1',
      'a third space': 'GET /x y HTTP/1.1',
      'a tab for a space': 'GET\t/x\tHTTP/1.1',
      'no target': 'GET  HTTP/1.1',
      'a target without a slash': 'GET x HTTP/1.1',
      'a method that is no token': 'GE(T /x HTTP/1.1',
      'a NUL in the target': 'GET /x\u0000y HTTP/1.1',
      'nothing at all': '\u0016\u0003\u0001\u0002\u0000\u0001',
      'an HTTP/2 preface': 'PRI * HTTP/2.0',
    }
    for (const [what, line] of Object.entries(REQUEST_LINES)) {
      it(`refuses a request line with ${what}`, async () => {
        await refused(`${line}\r\n${host}${auth}\r\n${hidden}`, [400, 404, 405, 414, 501, 505])
      })
    }

    it('answers unknown methods as unknown and goes on', async () => {
      const { responses } = await exchange(t.origin, `BREW ${t.get} HTTP/1.1\r\n${host}${auth}Content-Length: 0\r\n\r\nGET ${t.get} HTTP/1.1\r\n${host}${auth}Connection: close\r\n\r\n`)
      assert.ok([400, 404, 405, 501].includes(responses[0].status), responses[0].text)
      if (responses.length > 1) assert.equal(responses[1].status, 200)
    })

    it('does not act as an open proxy', async () => {
      for (const line of ['GET http://127.0.0.1:1/x HTTP/1.1', 'CONNECT 127.0.0.1:22 HTTP/1.1', 'GET //127.0.0.1:1/x HTTP/1.1']) {
        const { responses } = await exchange(t.origin, `${line}\r\n${host}${auth}Connection: close\r\n\r\n`)
        for (const response of responses) assert.ok(response.status >= 400, `${line}: ${response.status}`)
      }
    })

    it('refuses oversized heads with 431 (or 414 for the line)', async () => {
      await refused(`GET ${t.get} HTTP/1.1\r\n${host}${auth}X-Big: ${'x'.repeat(1 << 20)}\r\n\r\n`, [400, 431])
      await refused(`GET ${t.get} HTTP/1.1\r\n${host}${auth}${'X-Many: y\r\n'.repeat(100_000)}\r\n`, [400, 431])
      await refused(`GET ${t.get}?${'x'.repeat(1 << 20)} HTTP/1.1\r\n${host}${auth}\r\n`, [400, 414, 431])
      const polite = await exchange(t.origin, `GET ${t.get} HTTP/1.1\r\n${host}${auth}X-Big: ${'x'.repeat(4000)}\r\nConnection: close\r\n\r\n`)
      assert.equal(polite.responses[0].status, 200)
    })

    it('answers 431 in words when the head is too large', async () => {
      const { responses } = await exchange(t.origin, `GET ${t.get} HTTP/1.1\r\n${host}${auth}X-Big: ${'x'.repeat(100_000)}\r\n\r\n`)
      assert.equal(responses.length, 1)
      assert.equal(responses[0].status, 431)
    })

    it('survives clients that vanish at every point of a request', async () => {
      const body = JSON.stringify({ command: 'echo x' })
      const whole = post(`Content-Length: ${body.length}`) + body
      await Promise.all(
        Array.from({ length: 40 }, (_, i) => new Promise((resolve) => {
          const socket = t.origin.open()
          socket.on('close', resolve)
          socket.on('connect', () => socket.write(whole.slice(0, Math.floor((whole.length * i) / 40)), () => (i % 2 ? socket.resetAndDestroy() : socket.end(() => socket.destroy()))))
        })),
      )
      const { responses } = await exchange(t.origin, `GET ${t.get} HTTP/1.1\r\n${host}${auth}Connection: close\r\n\r\n`)
      assert.equal(responses[0].status, 200)
    })

    it('serves others while 300 connections say nothing', async () => {
      const idle = await Promise.all(Array.from({ length: 300 }, () => new Promise((resolve) => {
        const socket = t.origin.open()
        socket.once('connect', () => resolve(socket))
        socket.once('close', () => resolve(socket))
      })))
      try {
        const { responses } = await exchange(t.origin, `GET ${t.get} HTTP/1.1\r\n${host}${auth}Connection: close\r\n\r\n`)
        assert.deepEqual(responses.map((response) => response.status), [200])
      } finally {
        for (const socket of idle) socket.destroy()
      }
    })
  })
}
