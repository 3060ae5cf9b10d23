// Recordings where there is no ffmpeg and no screen: the default image. tests/e2e/desktop has the rest.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { forEachSdk } from './lib/harness.mjs'

forEachSdk('recordings without a desktop', (t) => {
  let recording

  before(async () => {
    recording = (await t.create('recordings')).computerUse.recording
  })

  it('lists none', async () => {
    assert.deepEqual((await recording.list()).recordings, [])
  })

  it('names the program that is missing', async () => {
    const error = await t.rejects(recording.start('label'), { kind: 'any', status: 503, message: /FFmpeg must be installed and available in PATH/ })
    if (t.sdk.modern) assert.equal(error.code, 'RECORDING_FFMPEG_NOT_FOUND')
  })

  it('does not know what is not there', async () => {
    const unknown = '00000000-0000-4000-8000-000000000000'
    for (const call of [() => recording.get(unknown), () => recording.stop(unknown), () => recording.delete(unknown)])
      await t.rejects(call(), { kind: 'notFound', status: 404, message: /recording not found/ })
    await t.rejects(recording.start('a/b'), { kind: 'any', status: 400, message: /invalid label/ })
  })
})
