// The Go and Java SDKs by the contract of clients: their headers, their way to create terminals, their strict decoders.
// The packages themselves are not run here: see README.md.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { api, apiKey, eventually, unique } from '../lib/api.mjs'
import { connect } from '../lib/websocket.mjs'
import { sandboxes, toolbox } from './setup.mjs'

const CLIENTS = {
  'Go 0.190': { 'x-daytona-source': 'sdk-go', 'x-daytona-sdk-version': '0.190.0', 'user-agent': 'sdk-go/0.190.0' },
  'Go 0.205': { 'x-daytona-source': 'sdk-go', 'x-daytona-sdk-version': '0.205.1', 'user-agent': 'sdk-go/0.205.1' },
  'Java 0.190': { 'x-daytona-source': 'sdk-java', 'x-daytona-sdk-version': '0.190.0', 'user-agent': 'sdk-java/0.190.0' },
  'Java 0.205': { 'x-daytona-source': 'sdk-java', 'x-daytona-sdk-version': '0.205.1', 'user-agent': 'sdk-java/0.205.1' },
}

/** Required keys must be there and none may be unknown: decoders of compiled clients refuse the whole answer otherwise. */
function decodes(json, shape) {
  for (const [key, type] of Object.entries(shape)) {
    const [kind, optional] = type.endsWith('?') ? [type.slice(0, -1), true] : [type, false]
    const value = json[key]
    if (optional && (value === undefined || value === null)) continue
    if (kind === 'integer') assert.ok(Number.isInteger(value), `${key}: ${value}`)
    else if (kind === 'array') assert.ok(Array.isArray(value), `${key}: ${value}`)
    else assert.equal(typeof value, kind, key)
  }
  assert.deepEqual(Object.keys(json).filter((key) => !(key in shape)), [])
}

for (const [name, headers] of Object.entries(CLIENTS)) {
  const java = name.startsWith('Java')
  // Java's WebSockets carry the credential and the name of its HTTP library, nothing else.
  const socketHeaders = { authorization: `Bearer ${apiKey}`, ...(java ? { 'user-agent': 'okhttp/4.12.0' } : headers) }

  describe(`${name} by contract`, () => {
    const { create } = sandboxes('clients')
    let sandbox
    const call = (method, path, body) => toolbox(sandbox, method, path, { body, headers })
    const open = (path, protocols) => connect(`${sandbox.toolboxProxyUrl.replace(/^http/, 'ws')}/${sandbox.id}${path}`, { headers: socketHeaders, protocols })

    before(async () => {
      sandbox = await create('client', { labels: { 'code-toolbox-language': 'python' } })
    })

    it('finds its sandbox with every key its decoder needs', async () => {
      const { json } = await api('GET', `/sandbox/${sandbox.id}`, { headers })
      for (const key of ['id', 'organizationId', 'name', 'user', 'env', 'labels', 'public', 'networkBlockAll', 'target', 'cpu', 'gpu', 'memory', 'disk', 'toolboxProxyUrl', 'kvm']) {
        assert.ok(json[key] !== undefined && json[key] !== null, key)
      }
      assert.match(json.toolboxProxyUrl, /^https?:\/\/[^/]+\/toolbox$/)
    })

    it('executes commands and code', async () => {
      const command = await call('POST', '/process/execute', { command: 'echo $X; pwd', cwd: '/tmp', envs: { X: 'y' }, timeout: 10 })
      decodes(command.json, { exitCode: 'integer', result: 'string' })
      assert.deepEqual(command.json, { exitCode: 0, result: 'y\n/tmp\n' })
      const code = await call('POST', '/process/code-run', { code: 'import sys; print(sys.argv[1:])', language: 'python', argv: ['a b'], envs: {}, timeout: 10 })
      decodes(code.json, { exitCode: 'integer', result: 'string', artifacts: 'object?' })
      assert.equal(code.json.result, "['a b']\n")
    })

    it('works with a session', async () => {
      const id = unique('raw', 'client')
      assert.equal((await call('POST', '/process/session', { sessionId: id })).status, 201)
      assert.equal((await call('POST', '/process/session', { sessionId: id })).status, 409)
      const sync = await call('POST', `/process/session/${id}/exec`, { command: 'export A=1; echo out; echo err >&2', runAsync: false, suppressInputEcho: false })
      assert.equal(sync.status, 200)
      decodes(sync.json, { cmdId: 'string', exitCode: 'integer?', output: 'string?', stdout: 'string?', stderr: 'string?' })
      assert.deepEqual([sync.json.stdout, sync.json.stderr, sync.json.exitCode], ['out\n', 'err\n', 0])
      const later = await call('POST', `/process/session/${id}/exec`, { command: 'echo $A; read x; echo "got $x"', runAsync: true, suppressInputEcho: true })
      assert.equal(later.status, 202)
      decodes(later.json, { cmdId: 'string', exitCode: 'integer?', output: 'string?', stdout: 'string?', stderr: 'string?' })
      const command = `/process/session/${id}/command/${later.json.cmdId}`
      decodes((await call('GET', command)).json, { id: 'string', command: 'string', exitCode: 'integer?' })
      const socket = await open(`${command}/logs?follow=true`)
      await socket.until('the log comes', () => socket.binary.includes('1\n'))
      assert.equal((await call('POST', `${command}/input`, { data: 'x' })).status, 204)
      assert.equal((await socket.end()).code, 1000)
      assert.equal(socket.binary.toString(), '\x01\x01\x011\n\x01\x01\x01got x\n')
      const logs = await call('GET', `${command}/logs`)
      decodes(logs.json, { output: 'string?', stdout: 'string?', stderr: 'string?' })
      assert.equal(logs.json.stdout, '1\ngot x\n')
      const session = (await call('GET', `/process/session/${id}`)).json
      decodes(session, { sessionId: 'string', commands: 'array' })
      for (const each of session.commands) decodes(each, { id: 'string', command: 'string', exitCode: 'integer?' })
      assert.ok(Array.isArray((await call('GET', '/process/session')).json))
      assert.equal((await call('DELETE', `/process/session/${id}`)).status, 204)
    })

    it('works with a terminal', async () => {
      const id = `pty-${unique('raw', 'client')}`
      let socket
      if (name.endsWith('0.190')) {
        const created = await call('POST', '/process/pty', { id, cols: 90, rows: 30 })
        assert.deepEqual([created.status, created.json], [201, { sessionId: id }])
        socket = await open(`/process/pty/${id}/connect`)
      } else {
        socket = await open(`/process/pty/create-connect?id=${id}&cols=90&rows=30`, ['X-Daytona-Pty-Exit-Control'])
      }
      await socket.until('it is connected', () => socket.texts.some((text) => JSON.parse(text).status === 'connected'))
      assert.ok((await call('GET', '/process/pty')).json.sessions.some((listed) => listed.id === id))
      decodes((await call('POST', `/process/pty/${id}/resize`, { cols: 70, rows: 20 })).json, { id: 'string', cwd: 'string', envs: 'object', cols: 'integer', rows: 'integer', createdAt: 'string', active: 'boolean', lazyStart: 'boolean' })
      const line = "printf '\\074%s\\076' \"$(stty size)\"; exit 3\n"
      if (java) socket.sendText(line)
      else socket.sendBinary(Buffer.from(line))
      const { code, reason } = await socket.end()
      assert.deepEqual([code, JSON.parse(reason).exitCode], [1011, 3])
      assert.match(socket.binary.toString(), /<20 70>/)
      if (!name.endsWith('0.190')) assert.equal(JSON.parse(socket.texts.at(-1)).exitCode, 3)
    })

    it('runs code in contexts', async () => {
      const made = await call('POST', '/process/interpreter/context', { cwd: '/tmp' })
      decodes(made.json, { id: 'string', cwd: 'string', createdAt: 'string', active: 'boolean', language: 'string' })
      const socket = await open('/process/interpreter/execute')
      socket.sendText(JSON.stringify({ code: 'import os\nprint(os.getcwd())\nraise ValueError("x")', contextId: made.json.id, timeout: 10 }))
      assert.equal((await socket.end()).code, 1000)
      const frames = socket.texts.map((text) => JSON.parse(text))
      assert.deepEqual(frames.map(({ type }) => type), ['stdout', 'error', 'control'])
      assert.deepEqual([frames[0].text, frames[1].name], ['/tmp\n', 'ValueError'])
      assert.ok((await call('GET', '/process/interpreter/context')).json.contexts.some(({ id }) => id === made.json.id))
      assert.equal((await call('DELETE', `/process/interpreter/context/${made.json.id}`)).status, 200)
    })

    it('finds directories, ports, variables and metrics', async () => {
      for (const path of ['/work-dir', '/user-home-dir']) decodes((await call('GET', path)).json, { dir: 'string' })
      await call('POST', '/process/execute', { command: 'python3 -m http.server 8321 > /dev/null 2>&1 < /dev/null & true' })
      await eventually('the port is open', async () => (await call('GET', '/port/8321/in-use')).json.isInUse === true, { seconds: 30 })
      assert.ok((await call('GET', '/port')).json.ports.includes(8321))
      assert.deepEqual((await call('GET', '/port/8322/in-use')).json, { isInUse: false })
      assert.equal((await call('GET', '/port/80/in-use')).status, 400)
      const answer = await call('POST', '/env', { set: { NEW: '1' }, unset: ['OLD'] })
      assert.equal(answer.status, 200)
      assert.ok(Object.values(answer.json).every((value) => typeof value === 'string'))
      const metrics = (await call('GET', '/system/metrics')).json
      decodes(metrics, { cpuCount: 'integer', cpuUsedPct: 'number', memTotal: 'integer', memUsed: 'integer', memCache: 'integer', diskTotal: 'integer', diskUsed: 'integer', diskFree: 'integer', timestamp: 'string', timestampUnix: 'integer' })
    })

    it('reads errors with message, error text and status', async () => {
      const { status, json } = await call('GET', '/process/session/nobody')
      assert.equal(status, 404)
      assert.deepEqual([json.statusCode, json.source, typeof json.code, typeof json.message], [404, 'DAYTONA_DAEMON', 'string', 'string'])
    })
  })
}
