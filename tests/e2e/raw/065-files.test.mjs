// Files below the SDKs: signed URLs against those who bend them, answers that are cut, clients that leave.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { before, describe, it } from 'node:test'
import { api, apiKey } from '../lib/api.mjs'
import { assertApiError, assertToolboxError, run, sandboxes, toolbox } from './setup.mjs'

function signature(key, method, path, expires) {
  return `v1_${createHmac('sha256', key).update(`v1:files:${method}:${path}:${expires}`).digest('base64url')}`
}

const DOWNLOAD = '/files/download'
const UPLOAD = '/files/upload-v2'

describe('signed file URLs', () => {
  const { create } = sandboxes('signed-files')
  let sandbox
  let other
  let key
  const send = (where, method, parameters, options = {}) => toolbox(options.sandbox ?? sandbox, method, `${where}?${new URLSearchParams(parameters)}`, { key: null, ...options })
  const signed = (method, path, expires = 0, with_ = key) => ({ path, expires: String(expires), signature: signature(with_, method, path, expires) })

  before(async () => {
    sandbox = await create('mine')
    other = await create('other')
    await run(sandbox, 'echo secret > f; mkdir -p "a b"; echo odd > "a b/é.txt"')
    const answer = await api('GET', `/sandbox/${sandbox.id}/signing-key`)
    assert.equal(answer.status, 200, answer.text)
    assert.match(answer.headers.get('content-type'), /^text\/plain/)
    key = answer.text
  })

  it('hands out one key, as bare text', async () => {
    assert.match(key, /^sk_[a-z0-9]{40}$/)
    assert.equal((await api('GET', `/sandbox/${sandbox.name}/signing-key`)).text, key)
    assert.notEqual((await api('GET', `/sandbox/${other.id}/signing-key`)).text, key)
    assertApiError(await api('GET', '/sandbox/nobody/signing-key'), 404, /not found/)
    assertApiError(await api('POST', '/sandbox/nobody/signing-key/rotate'), 404, /not found/)
    assertApiError(await api('GET', `/preview/${sandbox.id}/signing-key`), 403)
    assert.equal((await api('GET', `/sandbox/${sandbox.id}/signing-key`, { key: null })).status, 401)
  })

  it('lets a download and an upload pass', async () => {
    assert.equal((await send(DOWNLOAD, 'GET', signed('GET', 'f'))).text, 'secret\n')
    assert.equal((await send(DOWNLOAD, 'GET', signed('GET', 'a b/é.txt'))).text, 'odd\n')
    const range = await send(DOWNLOAD, 'GET', signed('GET', 'f'), { headers: { range: 'bytes=0-2' } })
    assert.deepEqual([range.status, range.text], [206, 'sec'])
    const up = await send(UPLOAD, 'POST', signed('POST', 'up/raw.bin'), { body: Buffer.from('raw'), headers: { 'content-type': 'application/octet-stream' } })
    assert.deepEqual([up.status, up.json], [200, { name: 'raw.bin', path: 'up/raw.bin', type: 'file' }])
    assert.equal(await run(sandbox, 'cat up/raw.bin'), 'raw')
    assertToolboxError(await send(DOWNLOAD, 'GET', signed('GET', 'missing')), 404, /not found/)
  })

  it('is bound to the method, the path, the time and the sandbox', async () => {
    const good = signed('GET', 'f')
    const attempts = [
      [DOWNLOAD, 'GET', { ...good, path: 'a b/é.txt' }],
      [DOWNLOAD, 'GET', { ...good, path: './f' }],
      [DOWNLOAD, 'GET', { ...good, expires: '9999999999' }],
      [DOWNLOAD, 'GET', { ...good, expires: '00' }],
      [DOWNLOAD, 'GET', { ...good, signature: good.signature.slice(0, -1) }],
      [DOWNLOAD, 'GET', { ...good, signature: good.signature.replace('v1_', 'v0_') }],
      [DOWNLOAD, 'GET', { path: 'f', signature: good.signature }],
      [DOWNLOAD, 'GET', signed('POST', 'f')],
      [DOWNLOAD, 'GET', signed('GET', 'f', Math.floor(Date.now() / 1000) - 1)],
      [DOWNLOAD, 'GET', signed('GET', 'f', 0, '')],
      [DOWNLOAD, 'GET', signed('GET', 'f', 0, apiKey)],
      [UPLOAD, 'POST', signed('GET', 'f')],
      [DOWNLOAD, 'GET', good, { sandbox: other }],
      [DOWNLOAD, 'HEAD', good],
    ]
    for (const [where, method, parameters, options] of attempts) {
      const answer = await send(where, method, parameters, options)
      assert.equal(answer.status, 401, `${method} ${where} ${JSON.stringify(parameters)}: ${answer.text}`)
      if (method !== 'HEAD') assertToolboxError(answer, 401, /^unauthorized: /)
    }
    assertToolboxError(await send(DOWNLOAD, 'GET', signed('GET', 'f', 1)), 401, /expired/)
  })

  it('opens these two routes and no other', async () => {
    const good = signed('GET', 'f')
    for (const [method, path] of [['GET', '/files'], ['GET', '/files/info'], ['GET', '/files/download/'], ['GET', '/files/downloa%64'], ['GET', '//files/download'], ['DELETE', '/files'], ['POST', '/files/upload'], ['POST', '/files/bulk-upload'], ['POST', '/process/execute'], ['GET', '/proxy/3000/files/download']])
      for (const parameters of [good, signed('POST', 'f'), signed('DELETE', 'f')])
        assert.equal((await send(path, method, parameters)).status, 401, `${method} ${path}`)
  })

  it('passes on what was signed and nothing else', async () => {
    const query = new URLSearchParams(signed('GET', 'f'))
    const smuggled = await toolbox(sandbox, 'GET', `${DOWNLOAD}?${query}&path=${encodeURIComponent('a b/é.txt')}`, { key: null })
    assert.equal(smuggled.text, 'secret\n')
    const first = await toolbox(sandbox, 'GET', `${DOWNLOAD}?path=${encodeURIComponent('a b/é.txt')}&${query}`, { key: null })
    assert.equal(first.status, 401)
  })

  it('ends with its key, at once', async () => {
    const old = signed('GET', 'f')
    assert.equal((await send(DOWNLOAD, 'GET', old)).status, 200)
    const rotated = await api('POST', `/sandbox/${sandbox.id}/signing-key/rotate`)
    assert.equal(rotated.status, 200, rotated.text)
    assert.notEqual(rotated.text, key)
    assert.equal((await send(DOWNLOAD, 'GET', old)).status, 401)
    key = rotated.text
    assert.equal((await send(DOWNLOAD, 'GET', signed('GET', 'f'))).status, 200)
    assert.equal((await api('GET', `/sandbox/${sandbox.id}/signing-key`)).text, key)
  })
})

describe('uploads', () => {
  const { create } = sandboxes('uploads')
  const form = (text) => {
    const body = new FormData()
    body.append('file', new Blob([text]), 'a/name/that/is/ignored')
    return body
  }
  let sandbox
  before(async () => {
    sandbox = await create()
  })

  it('take a form in the old form of the route, and answer nothing', async () => {
    const answer = await toolbox(sandbox, 'POST', '/files/upload?path=old/form.txt', { body: form('as a form') })
    assert.deepEqual([answer.status, answer.text], [200, ''])
    assert.equal(await run(sandbox, 'cat old/form.txt; stat -c %a old old/form.txt'), 'as a form750\n644\n')
    assertToolboxError(await toolbox(sandbox, 'POST', '/files/upload?path=x', { body: Buffer.from('raw') }), 400)
    assertToolboxError(await toolbox(sandbox, 'POST', '/files/upload?path=old', { body: form('x') }), 400, /directory/)
    assertToolboxError(await toolbox(sandbox, 'POST', '/files/upload', { body: form('x') }), 400)
  })

  it('take a form or a raw body in the new form, and describe the file', async () => {
    const expected = { name: 'f.txt', path: 'new/f.txt', type: 'file' }
    const answer = await toolbox(sandbox, 'POST', '/files/upload-v2?path=new/f.txt', { body: form('as a form') })
    assert.deepEqual([answer.status, answer.json], [200, expected])
    assert.equal(await run(sandbox, 'cat new/f.txt'), 'as a form')
    const raw = await toolbox(sandbox, 'POST', '/files/upload-v2?path=new/f.txt', { body: Buffer.from('raw'), headers: { 'content-type': 'text/plain' } })
    assert.deepEqual([raw.status, raw.json], [200, expected])
    assert.equal(await run(sandbox, 'cat new/f.txt; ls -A new'), 'rawf.txt\n')
  })

  it('say for each file of many what went wrong, and where', async () => {
    await run(sandbox, 'mkdir -p many/dir; echo x > many/file')
    const body = new FormData()
    for (const [i, path] of ['many/dir', 'many/file/below', 'many/good'].entries()) {
      body.append(`files[${i}].path`, path)
      body.append(`files[${i}].file`, new Blob(['text']), 'f')
    }
    const answer = await toolbox(sandbox, 'POST', '/files/bulk-upload', { body })
    assertToolboxError(answer, 400)
    assert.match(answer.json.errors[0], /^many\/dir: create: /)
    assert.match(answer.json.errors[1], /^many\/file\/below: mkdir many\/file: /)
    assert.equal(answer.json.errors.length, 2)
    assert.deepEqual(answer.json.files, [{ path: 'many/good', bytes: 4 }])
  })
})

describe('searches', () => {
  const { create } = sandboxes('searches')
  let sandbox
  before(async () => {
    sandbox = await create()
  })

  it('say when their answer is not complete', async () => {
    await run(sandbox, "mkdir t; head -c 1100000 /dev/zero | tr '\\0' x > line; for i in $(seq 80); do cp line t/$i; echo >> t/$i; done")
    const cut = await toolbox(sandbox, 'GET', '/files/find?path=t&pattern=xxxx')
    assert.equal(cut.status, 200)
    assert.equal(cut.headers.get('x-daytona-truncated'), 'true')
    assert.ok(cut.json.length > 20 && cut.json.length < 80, cut.json.length)
    const whole = await toolbox(sandbox, 'GET', '/files/search?path=t&pattern=*')
    assert.equal(whole.headers.get('x-daytona-truncated'), null)
    assert.equal(whole.json.files.length, 81)
  })

  it('end when their clients leave', async () => {
    // A search that would take hours: a line of four tebibytes.
    await run(sandbox, 'head -c 600 /dev/zero | tr "\\0" x > endless; truncate -s 4T endless; echo needle > f')
    for (let i = 0; i < 8; i += 1) {
      const leaving = new AbortController()
      const asked = fetch(`${sandbox.toolboxProxyUrl}/${sandbox.id}/files/find?path=endless&pattern=needle`, { headers: { authorization: `Bearer ${apiKey}` }, signal: leaving.signal })
      setTimeout(() => leaving.abort(), 100)
      await assert.rejects(asked)
    }
    assert.deepEqual((await toolbox(sandbox, 'GET', '/files/find?path=f&pattern=needle')).json, [{ file: 'f', line: 1, content: 'needle' }])
  })

  it('want a path and a pattern', async () => {
    for (const path of ['/files/find?path=.', '/files/find?pattern=x', '/files/search?path=.', '/files/search?pattern='])
      assertToolboxError(await toolbox(sandbox, 'GET', path), 400)
  })
})
