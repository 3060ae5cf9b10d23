// Each operation of the toolbox is cut off in the middle: by a stop of the sandbox, by a client that vanishes, by a full disk.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { api, apiKey, eventually, unique } from '../lib/api.mjs'
import { connect } from '../lib/websocket.mjs'
import { run, sandboxes, toolbox } from './setup.mjs'

const url = (sandbox, path) => `${sandbox.toolboxProxyUrl}/${sandbox.id}${path}`
const authorization = `Bearer ${apiKey}`
const ENDLESS = Symbol('a body without end')

// fetch() does not cancel a body whose request has ended: it would be filled for ever.
function endless(call, signal) {
  const chunk = new Uint8Array(64 * 1024)
  return new ReadableStream({
    async pull(controller) {
      await new Promise((go) => setTimeout(go, 5))
      if (call.ended || signal.aborted) controller.close()
      else controller.enqueue(chunk)
    },
  })
}

function open(sandbox, path) {
  return connect(url(sandbox, path).replace(/^http/, 'ws'), { headers: { authorization } })
}

/** A request that is under way. `ended` becomes true whatever its end is; `vanish` takes the client away. */
function request(sandbox, method, path, { body, json } = {}) {
  const abort = new AbortController()
  const call = { ended: false, vanish: () => abort.abort() }
  const options = { method, headers: { authorization, ...(json ? { 'content-type': 'application/json' } : {}) }, body: json ? JSON.stringify(json) : body, signal: abort.signal }
  if (body === ENDLESS) Object.assign(options, { body: endless(call, abort.signal), duplex: 'half' })
  call.promise = fetch(url(sandbox, path), options)
    .then((answer) => answer.arrayBuffer())
    .catch(() => {})
    .finally(() => {
      call.ended = true
    })
  return call
}

function socketCall(socket) {
  return { get ended() { return socket.closed !== undefined }, vanish: () => socket.socket.destroy() }
}


async function session(sandbox) {
  const sessionId = unique('raw', 'cut')
  await toolbox(sandbox, 'POST', '/process/session', { body: { sessionId } })
  return sessionId
}

const LONG = 'touch /tmp/on; sleep 1000'
const started = (sandbox) => eventually('it runs', async () => (await run(sandbox, 'test -e /tmp/on && rm /tmp/on && echo yes || true')) === 'yes\n')

// Name → starts the operation and comes back when it is in the middle.
const OPERATIONS = {
  execute: async (s) => {
    const call = request(s, 'POST', '/process/execute', { json: { command: LONG } })
    await started(s)
    return call
  },
  'code-run': async (s) => {
    const call = request(s, 'POST', '/process/code-run', { json: { language: 'python', code: "open('/tmp/on','w')\nimport time\ntime.sleep(1000)" } })
    await started(s)
    return call
  },
  'a session command': async (s) => {
    const call = request(s, 'POST', `/process/session/${await session(s)}/exec`, { json: { command: LONG } })
    await started(s)
    return call
  },
  'followed logs': async (s) => {
    const id = await session(s)
    const { json } = await toolbox(s, 'POST', `/process/session/${id}/exec`, { body: { command: 'while :; do echo line; sleep 0.01; done', runAsync: true } })
    const socket = await open(s, `/process/session/${id}/command/${json.cmdId}/logs?follow=true`)
    await eventually('logs come', () => socket.frames.length > 5)
    return socketCall(socket)
  },
  'a terminal': async (s) => {
    const socket = await open(s, `/process/pty/create-connect?id=${unique('raw', 'pty')}&cols=80&rows=24`)
    await eventually('it prints', () => socket.frames.length > 1)
    return socketCall(socket)
  },
  'the interpreter': async (s) => {
    const socket = await open(s, '/process/interpreter/execute')
    socket.sendText(JSON.stringify({ code: "print('on', flush=True)\nimport time\ntime.sleep(1000)" }))
    await eventually('it runs', () => socket.frames.length > 0)
    return socketCall(socket)
  },
  'an upload': async (s) => {
    const call = request(s, 'POST', '/files/upload-v2?path=/tmp/part', { body: ENDLESS })
    await new Promise((go) => setTimeout(go, 300))
    assert.equal(call.ended, false)
    return call
  },
  'a preview': async (s) => {
    await run(s, `printf '%s\\n' 'require("http").createServer((q, a) => setInterval(() => a.write("x".repeat(1000)), 5)).listen(4567)' > /tmp/app.js; setsid node /tmp/app.js > /dev/null 2>&1 &`)
    await eventually('it listens', async () => (await run(s, 'curl -s -m 0.3 localhost:4567 | head -c 1 || true')) === 'x')
    const call = request(s, 'GET', '/proxy/4567/')
    await new Promise((go) => setTimeout(go, 100))
    assert.equal(call.ended, false)
    return call
  },
}

describe('a stop in the middle', () => {
  const { create } = sandboxes('stop-in-the-middle')
  for (const [name, begin] of Object.entries(OPERATIONS)) {
    it(`of ${name} ends it, and the sandbox starts again`, async () => {
      const sandbox = await create(name)
      const call = await begin(sandbox)
      await api('POST', `/sandbox/${sandbox.id}/stop?force=true`)
      await eventually('the client is told', () => call.ended, { seconds: 15 })
      await eventually('it is stopped', async () => (await api('GET', `/sandbox/${sandbox.id}`)).json.state === 'stopped')
      const again = await api('POST', `/sandbox/${sandbox.id}/start`)
      assert.equal(again.status, 200, again.text)
      await eventually('it is started', async () => (await api('GET', `/sandbox/${sandbox.id}`)).json.state === 'started')
      assert.equal(await run(sandbox, 'echo works'), 'works\n')
    })
  }
})

describe('a client that vanishes', () => {
  const { create } = sandboxes('vanishing-client')
  let sandbox
  before(async () => {
    sandbox = await create()
  })
  for (const [name, begin] of Object.entries(OPERATIONS)) {
    it(`in the middle of ${name} harms nobody`, async () => {
      const call = await begin(sandbox)
      call.vanish()
      assert.equal(await run(sandbox, 'echo works'), 'works\n')
      const id = await session(sandbox)
      const { json } = await toolbox(sandbox, 'POST', `/process/session/${id}/exec`, { body: { command: 'echo too' } })
      assert.equal(json.exitCode, 0)
    })
  }
  it('leaves no part of a file', async () => {
    await eventually('the part is gone', async () => (await run(sandbox, 'ls -A /tmp | grep -E "part|upload" || echo none')) === 'none\n')
  })
})

describe('a full disk', () => {
  const { create } = sandboxes('full-disk')
  let sandbox
  before(async () => {
    sandbox = await create()
    await toolbox(sandbox, 'POST', '/files/upload-v2?path=/home/daytona/kept', { body: 'old' })
    const id = await session(sandbox)
    sandbox.session = id
    const filled = await run(sandbox, 'dd if=/dev/zero of=$HOME/filler bs=1M 2>&1 | tail -n 3; sync; dd if=/dev/zero of=$HOME/rest bs=4k 2>&1 | tail -n 3')
    assert.match(filled, /No space left|quota exceeded/i)
  })

  it('is told to an upload, and the old file stays whole', async () => {
    const answer = await toolbox(sandbox, 'POST', '/files/upload-v2?path=/home/daytona/kept', { body: 'x'.repeat(8 << 20) })
    assert.ok(answer.status >= 400, answer.text)
    assert.match(answer.json.message, /space|quota/i)
    assert.equal(await run(sandbox, 'cat /home/daytona/kept'), 'old')
  })

  it('stops neither commands nor code', async () => {
    assert.equal(await run(sandbox, 'echo works'), 'works\n')
    const { json } = await toolbox(sandbox, 'POST', '/process/code-run', { body: { language: 'python', code: 'print(6 * 7)' } })
    assert.deepEqual([json.exitCode, json.result], [0, '42\n'])
  })

  it('does not hang a session', async () => {
    const { status, json, text } = await toolbox(sandbox, 'POST', `/process/session/${sandbox.session}/exec`, { body: { command: 'echo works' } })
    assert.equal(status, 200, text)
    assert.equal(json.exitCode, 0)
    assert.match(json.output, /works/)
  })

  it('leaves terminals and the interpreter to those who need no disk', async () => {
    const terminal = await open(sandbox, `/process/pty/create-connect?id=${unique('raw', 'pty')}&cols=80&rows=24`)
    terminal.sendBinary(Buffer.from('echo wor""ks; exit 3\n'))
    await eventually('it ends', () => terminal.closed)
    assert.match(terminal.closed.reason, /"exitCode":3/)
    const cell = await open(sandbox, '/process/interpreter/execute')
    cell.sendText(JSON.stringify({ code: 'print(6 * 7)' }))
    await eventually('it ends', () => cell.closed)
    assert.equal(cell.closed.code, 1000)
    assert.match(cell.frames[0].text, /42/)
  })

  it('can be emptied', async () => {
    await run(sandbox, 'rm -f $HOME/filler $HOME/rest; sync')
    const answer = await toolbox(sandbox, 'POST', '/files/upload-v2?path=/home/daytona/kept', { body: 'new' })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(await run(sandbox, 'cat /home/daytona/kept'), 'new')
  })
})
