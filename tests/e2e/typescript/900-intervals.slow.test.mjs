// What happens by itself after minutes. Runs only when E2E_SLOW=1.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { api, eventually, gone } from '../lib/api.mjs'
import { forEachSdk } from './lib/harness.mjs'

const MINUTES = 60

forEachSdk('intervals', (t) => {
  const stateOf = async (id) => (await api('GET', `/sandbox/${id}`)).json?.state

  it('stops an idle sandbox after its interval, and only that one', async () => {
    const idle = await t.create('idle', { autoStopInterval: 1 })
    const never = await t.create('never', { autoStopInterval: 0 })
    await idle.process.executeCommand('echo kept > kept')
    await eventually('the idle sandbox stops', async () => (await stateOf(idle.id)) === 'stopped', { seconds: 4 * MINUTES })
    assert.equal(await stateOf(never.id), 'started')
    await idle.start()
    assert.equal((await idle.process.executeCommand('cat kept')).result, 'kept\n')
  })

  it('leaves a sandbox alone that is used', async () => {
    const busy = await t.create('busy', { autoStopInterval: 1 })
    const idle = await t.create('busy-reference', { autoStopInterval: 1 })
    await eventually(
      'the reference stops while the other works',
      async () => {
        await busy.process.executeCommand('true')
        return (await stateOf(idle.id)) === 'stopped'
      },
      { seconds: 4 * MINUTES },
    )
    assert.equal(await stateOf(busy.id), 'started')
  })

  it('deletes a stopped sandbox after its interval', async () => {
    const sandbox = await t.create('auto-delete', { autoDeleteInterval: 1 })
    await sandbox.stop()
    assert.equal(await stateOf(sandbox.id), 'stopped')
    await eventually('it is deleted', async () => (await api('GET', `/sandbox/${sandbox.id}`)).status === 404, { seconds: 4 * MINUTES })
  })

  it('deletes an idle ephemeral sandbox', async () => {
    const sandbox = await t.create('ephemeral-idle', { ephemeral: true, autoStopInterval: 1 })
    await eventually('it is deleted', async () => (await api('GET', `/sandbox/${sandbox.id}`)).status === 404, { seconds: 4 * MINUTES })
    await gone(sandbox.name)
  })
})
