// The page of recordings on port 33333: what it shows and calls.
import assert from 'node:assert/strict'
import http from 'node:http'
import { before, it } from 'node:test'
import { forEachSdk } from '../typescript/lib/harness.mjs'

forEachSdk('page of recordings', (t) => {
  let sandbox
  let preview
  let film

  /** A request to the page; the address of a preview need not resolve here. */
  function ask(path, { method = 'GET', headers = {}, body, key = true } = {}) {
    const { hostname, port, host } = new URL(preview.url)
    const address = hostname.endsWith('localhost') ? 'localhost' : hostname
    return new Promise((resolve, reject) => {
      const all = { host, ...(key ? { 'x-daytona-preview-token': preview.token } : {}), ...headers }
      const request = http.request({ host: address, port, method, path, headers: all }, (response) => {
        const pieces = []
        response.on('data', (piece) => pieces.push(piece)).on('end', () => {
          const content = Buffer.concat(pieces)
          resolve({ status: response.statusCode, headers: response.headers, content, text: content.toString() })
        })
      })
      request.setTimeout(20_000, () => request.destroy(new Error('no answer within 20 s'))).on('error', reject)
      request.end(body)
    })
  }

  before(async () => {
    sandbox = await t.create('recordings-page', { public: true })
    preview = await sandbox.getPreviewLink(33333)
    const { recording } = sandbox.computerUse
    await sandbox.computerUse.start()
    film = await recording.stop((await recording.start('on the page')).id)
  })

  it('is a page, for those who may see it only', async () => {
    const page = await ask('/')
    assert.equal(page.status, 200)
    assert.match(page.headers['content-type'], /^text\/html/)
    assert.match(page.text, /<title>Recordings<\/title>/)
    const stranger = await ask('/', { key: false })
    assert.ok([401, 403].includes(stranger.status), `private also in a public sandbox, not ${stranger.status}`)
  })

  it('lists, plays in ranges and refuses other files', async () => {
    const { recordings } = JSON.parse((await ask('/api/recordings')).text)
    assert.deepEqual(recordings.map(({ id, status, sizeBytes }) => [id, status, sizeBytes]), [[film.id, 'completed', film.sizeBytes]])
    const path = `/videos/${encodeURIComponent(film.fileName)}`
    const whole = await ask(path)
    assert.deepEqual([whole.status, whole.headers['content-type'], whole.content.length], [200, 'video/mp4', film.sizeBytes])
    const part = await ask(path, { headers: { range: 'bytes=4-7' } })
    assert.deepEqual([part.status, part.text, part.headers['content-range']], [206, 'ftyp', `bytes 4-7/${film.sizeBytes}`])
    for (const name of ['..%2F..%2F.bashrc', '%2e%2e%2fx.mp4', '..']) assert.notEqual((await ask(`/videos/${name}`)).status, 200)
    assert.deepEqual([(await ask('/videos/..%2Fx.mp4')).status, (await ask('/videos/nobody.mp4')).status], [403, 404])
  })

  it('deletes what it is told to', async () => {
    const remove = (body) => ask('/api/recordings', { method: 'DELETE', body, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } })
    assert.equal((await remove('{}')).status, 400)
    const { status, text } = await remove(JSON.stringify({ ids: [film.id, 'nobody'] }))
    assert.deepEqual([status, JSON.parse(text)], [200, { deleted: [film.id], failed: ['nobody'] }])
    assert.deepEqual((await sandbox.computerUse.recording.list()).recordings, [])
  })
})
