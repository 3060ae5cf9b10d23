// What the SDKs hide: the frames of session logs, terminals and the interpreter, and how answers depend on the SDK's version.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { api, apiKey, eventually, unique } from '../lib/api.mjs'
import { connect } from '../lib/websocket.mjs'
import { assertToolboxError, run, sandboxes, toolbox } from './setup.mjs'

const OUT = '\x01\x01\x01'
const ERR = '\x02\x02\x02'

function socketUrl(sandbox, path) {
  return `${sandbox.toolboxProxyUrl.replace(/^http/, 'ws')}/${sandbox.id}${path}`
}

function open(sandbox, path, { headers = {}, protocols } = {}) {
  return connect(socketUrl(sandbox, path), { headers: { authorization: `Bearer ${apiKey}`, ...headers }, protocols })
}

async function openSession(sandbox) {
  const id = unique('raw', 'session')
  assert.equal((await toolbox(sandbox, 'POST', '/process/session', { body: { sessionId: id } })).status, 201)
  return {
    id,
    exec: (command, body = {}, headers = {}) => toolbox(sandbox, 'POST', `/process/session/${id}/exec`, { body: { command, ...body }, headers }),
    path: (command) => `/process/session/${id}/command/${command}`,
  }
}

describe('session routes', () => {
  const { create } = sandboxes('session-routes')
  let sandbox
  before(async () => {
    sandbox = await create()
  })

  it('answer with the documented statuses, types and keys', async () => {
    const id = unique('raw', 'keys')
    const created = await toolbox(sandbox, 'POST', '/process/session', { body: { sessionId: id } })
    assert.deepEqual([created.status, created.text], [201, ''])
    const sync = await toolbox(sandbox, 'POST', `/process/session/${id}/exec`, { body: { command: 'true' } })
    assert.equal(sync.status, 200)
    assert.deepEqual(Object.keys(sync.json).sort(), ['cmdId', 'exitCode', 'output', 'stderr', 'stdout'])
    const later = await toolbox(sandbox, 'POST', `/process/session/${id}/exec`, { body: { command: 'read x', runAsync: true } })
    assert.equal(later.status, 202)
    assert.deepEqual(later.json, { cmdId: later.json.cmdId, output: null, stdout: null, stderr: null, exitCode: null })
    const command = await toolbox(sandbox, 'GET', `/process/session/${id}/command/${later.json.cmdId}`)
    assert.deepEqual(command.json, { id: later.json.cmdId, command: 'read x' })
    const input = await toolbox(sandbox, 'POST', `/process/session/${id}/command/${later.json.cmdId}/input`, { body: { data: 'x' } })
    assert.deepEqual([input.status, input.text], [204, ''])
    await eventually('it ends', async () => (await toolbox(sandbox, 'GET', `/process/session/${id}/command/${later.json.cmdId}`)).json.exitCode === 0)
    const deleted = await toolbox(sandbox, 'DELETE', `/process/session/${id}`)
    assert.deepEqual([deleted.status, deleted.text], [204, ''])
    assertToolboxError(await toolbox(sandbox, 'GET', `/process/session/${id}`), 404, /^not found: session not found$/)
  })

  for (const body of ['', '{', '{}', '{"sessionId":""}', '{"sessionId":5}', '{"sessionId":null}', '{"sessionId":"a/b"}', '{"sessionId":".."}', '{"sessionId":"a\\u0000b"}', `{"sessionId":"${'x'.repeat(5000)}"}`]) {
    it(`creation refuses ${body.slice(0, 40) || 'nothing'}`, async () => {
      assertToolboxError(await toolbox(sandbox, 'POST', '/process/session', { body }), 400)
    })
  }

  for (const body of ['', '{', '[]', '{}', '{"command":""}', '{"command":" "}', '{"command":5}', '{"command":"true","runAsync":"yes"}']) {
    it(`exec refuses ${body || 'nothing'}`, async () => {
      const { id } = await openSession(sandbox)
      const answer = await toolbox(sandbox, 'POST', `/process/session/${id}/exec`, { body })
      assert.equal(answer.status, 400, answer.text)
    })
  }

  const VERSIONS = [
    ['no version', {}, { output: 'plain', streams: false, logs: 'plain' }],
    ['no version, split output', { 'x-daytona-split-output': 'true' }, { output: 'marked', streams: false, logs: 'marked' }],
    ['0.26.0', { 'x-daytona-sdk-version': '0.26.0' }, { output: 'plain', streams: false, logs: 'plain' }],
    ['0.27.0', { 'x-daytona-sdk-version': '0.27.0' }, { output: 'marked', streams: false, logs: 'marked' }],
    ['v0.166.5', { 'x-daytona-sdk-version': 'v0.166.5' }, { output: 'marked', streams: false, logs: 'marked' }],
    ['0.167.0', { 'x-daytona-sdk-version': '0.167.0' }, { output: 'marked', streams: true, logs: 'json' }],
    ['0.190.0', { 'x-daytona-sdk-version': '0.190.0' }, { output: 'marked', streams: true, logs: 'json' }],
    ['0.216.0', { 'x-daytona-sdk-version': '0.216.0' }, { output: 'marked', streams: true, logs: 'json' }],
    ['0.0.0-dev', { 'x-daytona-sdk-version': '0.0.0-dev' }, { output: 'marked', streams: true, logs: 'json' }],
  ]
  for (const [name, headers, expected] of VERSIONS) {
    it(`give ${name} its form of output`, async () => {
      const { exec, path } = await openSession(sandbox)
      const { json } = await exec('echo out', {}, headers)
      assert.equal(json.output, expected.output === 'plain' ? 'out\n' : `${OUT}out\n`)
      assert.deepEqual([json.stdout, json.stderr], expected.streams ? ['out\n', ''] : [null, null])
      const logs = await toolbox(sandbox, 'GET', `${path(json.cmdId)}/logs`, { headers })
      if (expected.logs === 'json') assert.deepEqual(logs.json, { output: `${OUT}out\n`, stdout: 'out\n', stderr: '' })
      else {
        assert.match(logs.headers.get('content-type'), /^text\/plain/)
        assert.equal(logs.text, expected.logs === 'plain' ? 'out\n' : `${OUT}out\n`)
      }
      const socket = await open(sandbox, `${path(json.cmdId)}/logs?follow=true`, { headers })
      assert.deepEqual(await socket.end(), { code: 1000, reason: '' })
      assert.equal(socket.binary.toString(), expected.output === 'plain' ? 'out\n' : `${OUT}out\n`)
    })
  }

  it('start the sessions of old SDKs in the home directory', async () => {
    await run(sandbox, 'true')
    for (const version of ['0.102.9', '0.216.0']) {
      const id = unique('raw', 'cwd')
      const headers = { 'x-daytona-sdk-version': version }
      await toolbox(sandbox, 'POST', '/process/session', { body: { sessionId: id }, headers })
      const { json } = await toolbox(sandbox, 'POST', `/process/session/${id}/exec`, { body: { command: 'pwd' }, headers })
      const wanted = (await toolbox(sandbox, 'GET', version === '0.216.0' ? '/work-dir' : '/user-home-dir')).json.dir
      assert.equal((json.stdout ?? json.output.replaceAll(OUT, '')).trim(), wanted)
    }
  })

  it('never let output forge a marker in the answer of a new SDK', async () => {
    const { exec } = await openSession(sandbox)
    const { json } = await exec("printf 'a\\002\\002\\002b\\n'; echo real >&2; (exit 3)", {}, { 'x-daytona-sdk-version': '0.216.0' })
    assert.equal(json.exitCode, 3)
    assert.ok(json.stdout.startsWith('a'))
    assert.match(json.stderr, /real\n$/)
  })
})

describe('session log sockets', () => {
  const { create } = sandboxes('session-logs')
  let sandbox
  before(async () => {
    sandbox = await create()
  })
  const MODERN = { 'x-daytona-sdk-version': '0.216.0' }

  it('answer an unknown session or command with 404 before the upgrade', async () => {
    const { path } = await openSession(sandbox)
    for (const target of [path('nothing'), '/process/session/nobody/command/x']) {
      const answer = await open(sandbox, `${target}/logs?follow=true`, { headers: MODERN })
      assert.deepEqual([answer.status, answer.json?.statusCode], [404, 404])
    }
  })

  it('take the version of browsers from the sub-protocol, echo it and no other', async () => {
    const { exec, path } = await openSession(sandbox)
    const { json } = await exec('echo out; echo err >&2')
    const socket = await open(sandbox, `${path(json.cmdId)}/logs?follow=true`, { protocols: ['X-Daytona-SDK-Version~0.216.0', 'other'] })
    assert.equal(socket.protocol, 'X-Daytona-SDK-Version~0.216.0')
    await socket.end()
    assert.match(socket.binary.toString(), /\x01\x01\x01out\n/)
    assert.match(socket.binary.toString(), /\x02\x02\x02err\n/)
  })

  it('send small frames that never end right behind a marker, which the TypeScript SDK would print', async () => {
    const { exec, path } = await openSession(sandbox)
    const { json } = await exec('seq 1 60000; seq 1 5000 >&2', { runAsync: true })
    const socket = await open(sandbox, `${path(json.cmdId)}/logs?follow=true`, { headers: MODERN })
    assert.equal((await socket.end()).code, 1000)
    assert.ok(socket.frames.every(({ binary }) => binary.length <= 4096), `the largest has ${Math.max(...socket.frames.map(({ binary }) => binary.length))} bytes`)
    const ends = socket.frames.map(({ binary }) => binary.subarray(-3).toString('latin1'))
    assert.ok(!ends.includes(OUT) && !ends.includes(ERR), 'a frame ends right behind a marker')
    const count = (mark) => socket.binary.toString('latin1').split(mark).length - 1
    assert.deepEqual([count(OUT), count(ERR)], [60_000, 5000])
  })

  it('stop at what is there without follow', async () => {
    const { exec, path } = await openSession(sandbox)
    const { json } = await exec('echo early; read x', { runAsync: true })
    await eventually('there is output', async () => (await toolbox(sandbox, 'GET', `${path(json.cmdId)}/logs`)).text === 'early\n')
    const socket = await open(sandbox, `${path(json.cmdId)}/logs`, { headers: MODERN })
    assert.equal((await socket.end()).code, 1000)
    assert.equal(socket.binary.toString(), `${OUT}early\n`)
  })

  it('ignore what the client says and end when it leaves', async () => {
    const { exec, path } = await openSession(sandbox)
    const { json } = await exec('echo up; read x', { runAsync: true })
    const socket = await open(sandbox, `${path(json.cmdId)}/logs?follow=true`, { headers: MODERN })
    socket.sendText('hello')
    socket.sendBinary([1, 2, 3])
    await socket.until('the log comes', () => socket.binary.includes('up\n'))
    socket.close(1000)
    assert.equal((await socket.end()).code, 1000)
  })
})

describe('terminal sockets', () => {
  const { create } = sandboxes('terminals')
  let sandbox
  before(async () => {
    sandbox = await create()
  })
  const EXIT = 'X-Daytona-Pty-Exit-Control'
  const envs = (variables) => `X-Daytona-Pty-Envs~${Buffer.from(JSON.stringify(variables)).toString('base64url')}`
  const createConnect = (query, protocols = [EXIT]) => open(sandbox, `/process/pty/create-connect?${new URLSearchParams(query)}`, { protocols })

  it('create and connect in one step, with variables in a sub-protocol in any order', async () => {
    for (const protocols of [[envs({ V: 'ü "x"' }), EXIT], [EXIT, envs({ V: 'ü "x"' })]]) {
      const socket = await createConnect({ id: unique('raw', 'pty'), cols: 101, rows: 31, cwd: '/tmp' }, protocols)
      assert.equal(socket.protocol, EXIT)
      await socket.until('it is connected', () => socket.texts.length)
      assert.deepEqual(JSON.parse(socket.texts[0]), { type: 'control', status: 'connected' })
      socket.sendBinary(Buffer.from('echo "<$V-$(stty size)-$PWD>"; exit 7\n'))
      const { code, reason } = await socket.end()
      assert.match(socket.binary.toString(), /<ü "x"-31 101-\/tmp>/)
      assert.deepEqual(JSON.parse(socket.texts.at(-1)), { type: 'control', status: 'exited', exitCode: 7, exitReason: 'non-zero exit' })
      assert.deepEqual([code, JSON.parse(reason)], [1011, { exitCode: 7, exitReason: 'non-zero exit' }])
    }
  })

  it('send no exit frame to who does not ask for it, and take input as text', async () => {
    const id = unique('raw', 'pty')
    const created = await toolbox(sandbox, 'POST', '/process/pty', { body: { id, cols: 80, rows: 24, lazyStart: true } })
    assert.deepEqual([created.status, created.json], [201, { sessionId: id }])
    const socket = await open(sandbox, `/process/pty/${id}/connect`)
    assert.equal(socket.protocol, undefined)
    await socket.until('it is connected', () => socket.texts.length)
    socket.sendText('exit 0\n')
    assert.deepEqual(await socket.end(), { code: 1000, reason: '{"exitCode":0}' })
    assert.equal(socket.texts.length, 1)
  })

  it('refuse before the upgrade what cannot be created', async () => {
    const id = unique('raw', 'pty')
    const socket = await createConnect({ id })
    await socket.until('it is connected', () => socket.texts.length)
    const taken = await createConnect({ id })
    assert.equal(taken.status, 409)
    assert.match(taken.json.error ?? taken.json.message, /already exists/)
    for (const query of [{}, { id: '' }, { id: unique('raw', 'pty'), cols: 1001 }, { id: unique('raw', 'pty'), cols: 'x' }]) {
      assert.equal((await createConnect(query)).status, 400, JSON.stringify(query))
    }
    assert.equal((await createConnect({ id: unique('raw', 'pty') }, [EXIT, 'X-Daytona-Pty-Envs~%%%'])).status, 400)
    socket.close()
    await toolbox(sandbox, 'DELETE', `/process/pty/${id}`)
  })

  it('tell a client of an unknown id why, over the socket', async () => {
    const socket = await open(sandbox, '/process/pty/nobody/connect')
    await socket.end()
    assert.deepEqual(JSON.parse(socket.texts[0]), { type: 'control', status: 'error', error: 'Failed to connect to PTY session: PTY session nobody not found' })
  })

  it('answer with the documented shapes', async () => {
    const id = unique('raw', 'pty')
    await toolbox(sandbox, 'POST', '/process/pty', { body: { id, envs: { A: 'b' } } })
    const info = (await toolbox(sandbox, 'GET', `/process/pty/${id}`)).json
    assert.deepEqual(Object.keys(info).sort(), ['active', 'cols', 'createdAt', 'cwd', 'envs', 'id', 'lazyStart', 'rows'])
    assert.deepEqual([info.cols, info.rows, info.envs], [80, 24, { A: 'b', TERM: 'xterm-256color' }])
    assert.ok((await toolbox(sandbox, 'GET', '/process/pty')).json.sessions.some((listed) => listed.id === id))
    assert.equal((await toolbox(sandbox, 'POST', '/process/pty', { body: { id } })).status, 409)
    for (const body of ['', '{', '{}', '{"id":""}', '{"id":"x","cols":1001}', '{"id":"x","rows":-1}']) {
      const answer = await toolbox(sandbox, 'POST', '/process/pty', { body })
      assert.equal(answer.status, 400, body)
      assert.ok(typeof answer.json.error === 'string' && typeof answer.json.message === 'string', answer.text)
    }
    const deleted = await toolbox(sandbox, 'DELETE', `/process/pty/${id}`)
    assert.deepEqual([deleted.status, deleted.json], [200, { message: 'PTY session deleted' }])
    assert.equal((await toolbox(sandbox, 'DELETE', `/process/pty/${id}`)).status, 404)
    assert.equal((await toolbox(sandbox, 'POST', `/process/pty/${id}/resize`, { body: { cols: 80, rows: 24 } })).status, 410)
  })

  it('close on a message above 64 KiB', async () => {
    const socket = await createConnect({ id: unique('raw', 'pty') })
    socket.sendBinary(Buffer.alloc(65_537))
    assert.equal((await socket.end()).code, 1009)
  })
})

describe('interpreter sockets', () => {
  const { create } = sandboxes('interpreter')
  let sandbox
  before(async () => {
    sandbox = await create()
  })
  async function execute(message) {
    const socket = await open(sandbox, '/process/interpreter/execute')
    socket.sendText(typeof message === 'string' ? message : JSON.stringify(message))
    const closed = await socket.end()
    return { ...closed, frames: socket.texts.map((text) => JSON.parse(text)) }
  }

  it('send frames with all five keys and close 1000', async () => {
    const { code, reason, frames } = await execute({ code: 'print("x")' })
    assert.deepEqual([code, reason], [1000, ''])
    const empty = { name: '', value: '', traceback: '' }
    assert.deepEqual(frames, [{ type: 'stdout', text: 'x\n', ...empty }, { type: 'control', text: 'completed', ...empty }])
  })

  for (const [message, code, reason] of [
    ['no json', 1002, /invalid JSON/],
    ['{"code":5}', 1002, /invalid JSON/],
    ['{}', 1008, /code is required/],
    ['{"code":"1","timeout":-1}', 1008, /timeout must be greater than or equal to 0/],
    ['{"code":"1","contextId":"nobody"}', 1008, /context not found: nobody/],
  ]) {
    it(`close ${code} for ${message}`, async () => {
      const answer = await execute(message)
      assert.equal(answer.code, code)
      assert.match(answer.reason, reason)
    })
  }

  it('close 4008 at the time-out and for an interruption, 1001 when the worker dies', async () => {
    const late = await execute({ code: 'import time\ntime.sleep(370)', timeout: 1 })
    assert.deepEqual([late.code, late.frames.at(-1)?.text], [4008, 'interrupted'])
    assert.equal((await execute({ code: 'raise KeyboardInterrupt' })).code, 4008)
    const dead = await execute({ code: 'import os\nos._exit(1)' })
    assert.deepEqual([dead.code, dead.reason], [1001, 'worker process ended'])
    assert.equal((await execute({ code: '1' })).code, 1000)
  })

  it('answer about contexts as documented', async () => {
    const made = await toolbox(sandbox, 'POST', '/process/interpreter/context', { body: {} })
    assert.equal(made.status, 200)
    assert.deepEqual(Object.keys(made.json).sort(), ['active', 'createdAt', 'cwd', 'id', 'language'])
    assert.equal((await toolbox(sandbox, 'POST', '/process/interpreter/context', { body: { language: 'ruby' } })).status, 400)
    assert.equal((await toolbox(sandbox, 'DELETE', '/process/interpreter/context/default')).status, 400)
    const deleted = await toolbox(sandbox, 'DELETE', `/process/interpreter/context/${made.json.id}`)
    assert.deepEqual([deleted.status, deleted.json], [200, { message: 'Context deleted successfully' }])
    assert.equal((await toolbox(sandbox, 'DELETE', `/process/interpreter/context/${made.json.id}`)).status, 404)
  })
})

describe('sockets of the toolbox', () => {
  const { create } = sandboxes('sockets')

  it('open with a token in the query, as in browsers, and not without a credential', async () => {
    const sandbox = await create()
    const target = `${socketUrl(sandbox, '/process/interpreter/execute')}`
    for (const headers of [{}, { authorization: 'Bearer dtn_wrong' }]) assert.equal((await connect(target, { headers })).status, 401)
    const { status, json } = await api('GET', `/sandbox/${sandbox.id}/ports/1/preview-url`)
    assert.equal(status, 200)
    const socket = await connect(`${target}?DAYTONA_SANDBOX_AUTH_KEY=${json.token}`, { protocols: ['X-Daytona-SDK-Version~0.216.0'] })
    assert.equal(socket.protocol, 'X-Daytona-SDK-Version~0.216.0')
    socket.sendText('{"code":"print(1)"}')
    assert.equal((await socket.end()).code, 1000)
  })
})
