// Many at once.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { gone } from '../lib/api.mjs'
import { forEachSdk } from './lib/harness.mjs'

const COUNT = Number(process.env.E2E_BURST ?? 50)

forEachSdk('burst', (t) => {
  it(`creates, uses and deletes ${COUNT} sandboxes at once`, async () => {
    const mark = t.name('burst')
    const sandboxes = await Promise.all(Array.from({ length: COUNT }, (_, i) => t.create('burst', { labels: { mark, i: String(i) }, envVars: { I: String(i) } }, { timeout: 300 })))
    assert.equal(new Set(sandboxes.map((sandbox) => sandbox.id)).size, COUNT)
    for (const sandbox of sandboxes) await t.reaches(sandbox, 'started')

    const responses = await Promise.all(sandboxes.map((sandbox) => sandbox.process.executeCommand('echo "$I" > mine; cat mine; ls | wc -l')))
    const counts = new Set(responses.map((response) => response.result.split('\n')[1]))
    responses.forEach((response, i) => {
      assert.equal(response.exitCode, 0)
      assert.equal(response.result.split('\n')[0], String(i))
    })
    assert.equal(counts.size, 1, 'every sandbox has a directory of its own')

    const listed = []
    for await (const sandbox of t.daytona.list({ labels: { mark }, limit: 20 })) listed.push(sandbox.id)
    assert.deepEqual(listed.sort(), sandboxes.map((sandbox) => sandbox.id).sort())

    await Promise.all(sandboxes.map((sandbox) => sandbox.delete(300)))
    await Promise.all(sandboxes.map((sandbox) => gone(sandbox.id)))
    for await (const sandbox of t.daytona.list({ labels: { mark } })) assert.fail(`still listed: ${sandbox.id}`)
  })

  it('answers 200 reads of missing sandboxes, 50 at a time, all with 404', async () => {
    let next = 0
    const errors = []
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        while (next < 200) {
          next += 1
          errors.push(await t.daytona.get(`missing-${next}`).then(() => assert.fail('found'), (error) => error))
        }
      }),
    )
    assert.equal(errors.length, 200)
    for (const error of errors) {
      assert.ok(error instanceof t.sdk.module.DaytonaNotFoundError, `${error.constructor.name}: ${error.message}`)
      assert.equal(error.statusCode, 404)
    }
  })

  it('stops and starts ten sandboxes at once', async () => {
    const sandboxes = await Promise.all(Array.from({ length: 10 }, (_, i) => t.create('burst-restart', { envVars: { I: String(i) } }, { timeout: 300 })))
    await Promise.all(sandboxes.map((sandbox) => sandbox.process.executeCommand('echo "$I" > mine')))
    await Promise.all(sandboxes.map((sandbox) => sandbox.stop(300)))
    for (const sandbox of sandboxes) await t.reaches(sandbox, 'stopped')
    await Promise.all(sandboxes.map((sandbox) => sandbox.start(300)))
    const responses = await Promise.all(sandboxes.map((sandbox) => sandbox.process.executeCommand('cat mine')))
    assert.deepEqual(responses.map((response) => response.result), sandboxes.map((_, i) => `${i}\n`))
  })
})
