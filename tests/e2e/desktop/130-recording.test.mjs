// Recordings of the screen.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, it } from 'node:test'
import { forEachSdk } from '../typescript/lib/harness.mjs'

const UNKNOWN = '00000000-0000-4000-8000-000000000000'

forEachSdk('desktop recording', (t) => {
  let sandbox
  let recording

  before(async () => {
    sandbox = await t.create('recording')
    ;({ recording } = sandbox.computerUse)
    await sandbox.computerUse.start()
  })

  it('records the screen into a file that players accept', async () => {
    const started = await recording.start('my film 1')
    assert.equal(started.status, 'recording')
    assert.match(started.fileName, new RegExp(`^${started.id}_.*\\.mp4$`))
    for (let x = 100; x <= 900; x += 100) await sandbox.computerUse.mouse.move(x, 300)
    assert.ok((await recording.list()).recordings.some(({ id, status }) => id === started.id && status === 'recording'))
    await t.rejects(recording.delete(started.id), { kind: 'any', status: 409, message: /cannot delete an active recording/ })
    const stopped = await recording.stop(started.id)
    assert.equal(stopped.status, 'completed')
    assert.ok(stopped.durationSeconds > 0 && stopped.sizeBytes > 0 && stopped.endTime)

    const probe = `ffprobe -v error -show_entries stream=codec_name,width,height,nb_frames -of json '${stopped.filePath}'`
    const { result, exitCode } = await sandbox.process.executeCommand(probe)
    assert.equal(exitCode, 0, result)
    const [stream] = JSON.parse(result).streams
    assert.deepEqual([stream.codec_name, stream.width, stream.height], ['h264', 1024, 768])
    assert.ok(Number(stream.nb_frames) > 0, result)

    const kept = await recording.get(started.id)
    assert.deepEqual([kept.id, kept.status, kept.sizeBytes], [started.id, 'completed', stopped.sizeBytes])
    const folder = await mkdtemp(join(tmpdir(), 'e2e-recording-'))
    try {
      await recording.download(started.id, join(folder, 'film.mp4'))
      const film = await readFile(join(folder, 'film.mp4'))
      assert.equal(film.length, stopped.sizeBytes)
      assert.equal(film.toString('latin1', 4, 8), 'ftyp')
    } finally {
      await rm(folder, { recursive: true })
    }
    await recording.delete(started.id)
    await t.rejects(recording.get(started.id), { kind: 'notFound', message: /recording not found/ })
    assert.deepEqual((await recording.list()).recordings, [])
  })

  it('says what it does not know', async () => {
    await t.rejects(recording.stop(UNKNOWN), { kind: 'notFound', message: /recording not found/ })
    await t.rejects(recording.delete(UNKNOWN), { kind: 'notFound', message: /recording not found/ })
    await t.rejects(recording.start('../up'), { kind: 'any', status: 400, message: /invalid label/ })
  })
})
