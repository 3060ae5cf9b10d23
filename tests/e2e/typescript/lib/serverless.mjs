// Runs as a program of its own with VERCEL=1: the SDK then opens its WebSockets as it does in browsers, with a token in the query
// and its version in a sub-protocol, without headers. Prints what it got as JSON. Argument: package, sandbox id.
import { apiKey, apiUrl } from '../../lib/api.mjs'
import { requireInstalled } from './sdk.mjs'
import { openSession } from './session.mjs'
import { Terminal } from './terminal.mjs'

const [, , name, sandboxId] = process.argv
const { Daytona } = requireInstalled(name)
const sandbox = await new Daytona({ apiUrl, apiKey }).get(sandboxId)

const session = await openSession(sandbox, 'serverless')
const seen = { stdout: '', stderr: '' }
const command = await session.start('echo from-session; echo to-stderr >&2')
await session.logs(command, (chunk) => (seen.stdout += chunk), (chunk) => (seen.stderr += chunk))
const { stdout } = await sandbox.codeInterpreter.runCode('print(6 * 7)')
const terminal = await Terminal.create(sandbox, { id: session.id, envs: { GIVEN: 'ü' } })
const answer = await terminal.asks('echo "$GIVEN"')
const { exitCode } = await terminal.ends('exit 3')
console.log(JSON.stringify({ logs: seen, stdout, answer, exitCode }))
process.exit(0)
