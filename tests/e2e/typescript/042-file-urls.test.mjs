// Signed file URLs: what the SDK computes is what the proxy accepts, from any HTTP client and without a key.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { forEachSdk } from './lib/harness.mjs'

forEachSdk('file URLs', (t) => {
  const skip = !t.sdk.modern && 'the older SDK has no signed URLs'
  let sandbox
  before(async () => {
    if (!skip) sandbox = await t.create('file-urls')
  })

  for (const path of ['plain.txt', 'a b/ü & 文件+%41.txt', '/tmp/absolute.txt']) {
    it(`uploads and downloads ${path} without a key`, { skip }, async () => {
      const form = new FormData()
      form.append('file', new Blob([`content of ${path}`]), 'ignored')
      const up = await fetch(await sandbox.uploadUrl(path), { method: 'POST', body: form })
      assert.equal(up.status, 200, await up.text())
      const down = await fetch(await sandbox.downloadUrl(path))
      assert.equal(down.status, 200)
      assert.equal(await down.text(), `content of ${path}`)
      const raw = await fetch(await sandbox.uploadUrl(path, 60), { method: 'POST', body: 'raw', headers: { 'content-type': 'application/octet-stream' } })
      assert.deepEqual(await raw.json(), { name: path.split('/').at(-1), path, type: 'file' })
      assert.equal(String(await sandbox.fs.downloadFile(path)), 'raw')
    })
  }

  it('makes URLs that never expire, and ones that have', { skip }, async () => {
    await sandbox.fs.uploadFile(Buffer.from('x'), 'timed.txt')
    assert.equal((await fetch(await sandbox.downloadUrl('timed.txt', 0))).status, 200)
    const url = new URL(await sandbox.downloadUrl('timed.txt', 60))
    url.searchParams.set('expires', String(Math.floor(Date.now() / 1000) - 1))
    assert.equal((await fetch(url)).status, 401)
  })

  it('ends all URLs when the key is rotated, and makes new ones that work at once', { skip }, async () => {
    await sandbox.fs.uploadFile(Buffer.from('x'), 'rotated.txt')
    const old = await sandbox.downloadUrl('rotated.txt', 0)
    assert.equal((await fetch(old)).status, 200)
    await sandbox.rotateSigningKey()
    assert.equal((await fetch(old)).status, 401)
    assert.equal((await fetch(await sandbox.downloadUrl('rotated.txt'))).status, 200)
  })
})
