// A session of a sandbox with short names for what is done with it.
import { eventually, unique } from '../../lib/api.mjs'

export async function openSession(sandbox, test) {
  const id = unique('session', test)
  await sandbox.process.createSession(id)
  const submit = (command, request = {}) => sandbox.process.executeSessionCommand(id, { command, ...request })
  return {
    id,
    submit,
    run: (command) => submit(command),
    start: async (command, request = {}) => (await submit(command, { runAsync: true, ...request })).cmdId,
    command: (cmdId) => sandbox.process.getSessionCommand(id, cmdId),
    input: (cmdId, data) => sandbox.process.sendSessionCommandInput(id, cmdId, data),
    logs: (cmdId, ...callbacks) => sandbox.process.getSessionCommandLogs(id, cmdId, ...callbacks),
    /** Waits for the end of an asynchronous command and returns its exit code. */
    ended: async (cmdId) => {
      let found
      await eventually(`the command ${cmdId} ends`, async () => {
        found = (await sandbox.process.getSessionCommand(id, cmdId)).exitCode
        return found !== undefined && found !== null
      }, { seconds: 30 })
      return found
    },
    close: () => sandbox.process.deleteSession(id),
  }
}
