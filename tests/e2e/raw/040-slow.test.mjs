// Slow clients are cut off: a head or a body that does not arrive must not hold a connection for ever. The server chooses when.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { apiKey } from '../lib/api.mjs'
import { Origin } from '../lib/wire.mjs'
import { apiOrigin, assertAlive, sandboxes } from './setup.mjs'

const PATIENCE_SECONDS = 180

/** Writes `first`, then `drip` every second, until the server closes; gives what it said. */
function trickle(origin, first, drip) {
  return new Promise((resolve, reject) => {
    const socket = origin.open()
    const received = []
    let timer
    const limit = setTimeout(() => {
      clearInterval(timer)
      socket.destroy()
      reject(new Error(`still open after ${PATIENCE_SECONDS} s`))
    }, PATIENCE_SECONDS * 1000)
    socket.on('data', (chunk) => received.push(chunk))
    socket.on('close', () => {
      clearTimeout(limit)
      clearInterval(timer)
      resolve(Buffer.concat(received).toString('latin1'))
    })
    socket.once(origin.secure ? 'secureConnect' : 'connect', () => {
      socket.write(first)
      if (drip) timer = setInterval(() => !socket.destroyed && socket.write(drip), 1000)
    })
  })
}

describe('slow clients', { concurrency: true }, () => {
  const { create } = sandboxes('slow')
  let sandbox
  const origins = { api: () => apiOrigin, toolbox: () => new Origin(sandbox.toolboxProxyUrl) }

  before(async () => {
    sandbox = await create()
  })
  after(assertAlive)

  function assertCutOff(said) {
    if (said) assert.match(said, /^HTTP\/1\.1 (400|408) /, said.slice(0, 200))
  }

  for (const [name, origin] of Object.entries(origins)) {
    const line = () => `GET ${origin().path}/sandbox HTTP/1.1\r\nHost: ${origin().host}\r\n`
    it(`a head that stops half way, at the ${name}`, async () => assertCutOff(await trickle(origin(), `${line()}X-Half: `)))
    it(`a head that drips header after header, at the ${name}`, async () => assertCutOff(await trickle(origin(), line(), 'X-Drip: 1\r\n')))
    it(`a request line that drips, at the ${name}`, async () => assertCutOff(await trickle(origin(), 'GET /', 'x')))
  }

  it('a body that stops half way, at the api', async () => {
    const said = await trickle(apiOrigin, `POST ${apiOrigin.path}/sandbox HTTP/1.1\r\nHost: ${apiOrigin.host}\r\nAuthorization: Bearer ${apiKey}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"name":`)
    assertCutOff(said)
  })

  it('a second request that never comes on a kept connection', async () => {
    const said = await trickle(apiOrigin, `GET ${apiOrigin.path}/health HTTP/1.1\r\nHost: ${apiOrigin.host}\r\n\r\nGET /`)
    assert.match(said, /^HTTP\/1\.1 200 /)
  })
})
