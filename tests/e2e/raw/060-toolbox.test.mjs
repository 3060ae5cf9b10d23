// Bad input to the daemon, through the proxy: JSON, multipart, ranges, broken connections.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { apiKey, eventually } from '../lib/api.mjs'
import { Origin, exchange } from '../lib/wire.mjs'
import { assertAlive, assertToolboxError, run, sandboxes, toolbox } from './setup.mjs'

describe('toolbox input', () => {
  const { create } = sandboxes('toolbox')
  let sandbox
  before(async () => {
    sandbox = await create()
  })

  const BAD_EXECUTE = [
    '', '{', '[]', '"x"', '5', '{}', '{"command":""}', '{"command":null}', '{"command":5}', '{"command":["ls"]}', '{"command":{"a":1}}', '{"command":" \\n"}',
    '{"command":"true","timeout":"1"}', '{"command":"true","timeout":-1}', '{"command":"true","timeout":1.5}', '{"command":"true","timeout":99999999999}',
    '{"command":"true","cwd":5}', '{"command":"true","envs":"A=b"}', '{"command":"true","envs":{"A":5}}', '{"command":"true","envs":{"":"x"}}', '{"command":"true","envs":{"A=B":"x"}}', '{"command":"true","envs":{"1A":"x"}}',
  ]
  for (const body of BAD_EXECUTE) {
    it(`execute refuses ${body || 'nothing'}`, async () => {
      assertToolboxError(await toolbox(sandbox, 'POST', '/process/execute', { body }), 400)
    })
  }

  it('execute takes null for what is optional and ignores what it does not know', async () => {
    for (const body of ['{"command":"echo ok","timeout":null,"cwd":null,"envs":null}', '{"command":"echo ok","timeout":0,"cwd":"","envs":{},"async":true,"x":{"y":[1]}}', '{"command":"echo ok","runAsync":true}']) {
      const answer = await toolbox(sandbox, 'POST', '/process/execute', { body })
      assert.equal(answer.status, 200, answer.text)
      assert.deepEqual(answer.json, { exitCode: 0, result: 'ok\n' })
    }
  })

  it('execute does not look at the content type', async () => {
    for (const type of ['text/plain', 'application/octet-stream', 'application/json; charset=utf-8']) {
      const answer = await toolbox(sandbox, 'POST', '/process/execute', { body: '{"command":"echo ok"}', headers: { 'content-type': type } })
      assert.equal(answer.json?.result, 'ok\n', answer.text)
    }
  })

  it('execute reports a time-out as 408 with the code of the new error classes', async () => {
    const answer = await toolbox(sandbox, 'POST', '/process/execute', { body: { command: 'sleep 320', timeout: 1 } })
    assertToolboxError(answer, 408, /timeout/)
    assert.equal(answer.json.code, 'PROCESS_EXECUTION_TIMEOUT')
    assert.equal(answer.json.source, 'DAYTONA_DAEMON')
    assert.match(answer.json.path, /^\/process\/execute$|\/process\/execute$/)
  })

  const BAD_CODE = ['{}', '{"code":"1"}', '{"language":"python"}', '{"code":"","language":"python"}', '{"code":"1","language":"Python"}', '{"code":"1","language":"cobol"}', '{"code":"1","language":"python","argv":"a"}', '{"code":"1","language":"python","envs":{"A-B":"1"}}', '{"code":5,"language":"python"}']
  for (const body of BAD_CODE) {
    it(`code-run refuses ${body}`, async () => {
      assertToolboxError(await toolbox(sandbox, 'POST', '/process/code-run', { body }), 400)
    })
  }

  it('answers unknown paths and methods with 404', async () => {
    for (const [method, path] of [['GET', '/nope'], ['POST', '/version'], ['PATCH', '/files'], ['GET', '/process/execute'], ['GET', '/']]) {
      assert.equal((await toolbox(sandbox, method, path)).status, 404, `${method} ${path}`)
    }
  })

  it('answers missing and repeated parameters with 400', async () => {
    for (const [method, path] of [['GET', '/files/info'], ['GET', '/files/download'], ['POST', '/files/folder?mode=755'], ['DELETE', '/files'], ['POST', '/files/move?source=a'], ['POST', '/files/move?destination=a'], ['POST', '/files/permissions?mode=600'], ['POST', '/files/bulk-download']]) {
      const answer = await toolbox(sandbox, method, path)
      assert.equal(answer.status, 400, `${method} ${path}: ${answer.text}`)
    }
  })

  it('takes a path as it is given, also strange ones', async () => {
    for (const path of ['no/such', '/proc/self/mem/x', '\u0000', 'a\u0000b', 'x'.repeat(5000), '/'.repeat(5000), '../'.repeat(50) + 'etc/none', '~', '\n', '%']) {
      for (const route of ['/files/info', '/files/download', '/files']) {
        const answer = await toolbox(sandbox, 'GET', `${route}?path=${encodeURIComponent(path)}`)
        assert.ok(answer.status < 500, `${route} ${JSON.stringify(path.slice(0, 20))}: ${answer.status} ${answer.text.slice(0, 100)}`)
      }
    }
  })

  it('deletes no working directory by an empty or a dot path', async () => {
    await run(sandbox, 'echo precious > precious')
    for (const path of ['', '.', '..', 'x/..']) {
      const answer = await toolbox(sandbox, 'DELETE', `/files?recursive=true&path=${encodeURIComponent(path)}`)
      assert.ok(answer.status >= 400, `${path}: ${answer.status}`)
    }
    assert.equal(await run(sandbox, 'cat precious'), 'precious\n')
  })

  it('serves ranges and conditions of a download', async () => {
    await run(sandbox, 'printf 0123456789 > ranged.txt')
    const get = (headers) => toolbox(sandbox, 'GET', '/files/download?path=ranged.txt', { headers })
    const whole = await get({})
    assert.equal(whole.text, '0123456789')
    assert.equal(whole.headers.get('accept-ranges'), 'bytes')
    assert.match(whole.headers.get('content-disposition'), /filename="ranged\.txt"/)
    const part = await get({ range: 'bytes=2-4' })
    assert.equal(part.status, 206)
    assert.equal(part.text, '234')
    assert.equal(part.headers.get('content-range'), 'bytes 2-4/10')
    assert.equal((await get({ range: 'bytes=-3' })).text, '789')
    assert.equal((await get({ range: 'bytes=7-' })).text, '789')
    assert.equal((await get({ range: 'bytes=10-' })).status, 416)
    for (const range of ['bytes=x', 'bytes=4-2', 'items=0-1', 'bytes=0-99999999999999999999']) assert.ok([200, 206, 416].includes((await get({ range })).status), range)
    assert.equal((await get({ 'if-modified-since': whole.headers.get('last-modified') })).status, 304)
  })

  it('streams files whose size changes and devices without hanging', async () => {
    for (const path of ['/dev/null', '/proc/version', '/proc/self/status']) {
      const answer = await toolbox(sandbox, 'GET', `/files/download?path=${path}`)
      assert.ok(answer.status < 500, `${path}: ${answer.status}`)
    }
  })

  function multipart(boundary, parts, { closing = true, newline = '\r\n' } = {}) {
    const lines = parts.map(({ head, body }) => `--${boundary}${newline}${head.join(newline)}${newline}${newline}${body}${newline}`)
    return Buffer.from(lines.join('') + (closing ? `--${boundary}--${newline}` : ''))
  }
  const field = (name, value) => ({ head: [`Content-Disposition: form-data; name="${name}"`], body: value })
  const file = (name, body, filename = 'name-of-the-client', extra = []) => ({ head: [`Content-Disposition: form-data; name="${name}"; filename="${filename}"`, ...extra], body })
  const upload = (body, contentType) => toolbox(sandbox, 'POST', '/files/bulk-upload', { body, headers: { 'content-type': contentType } })
  const FORM = 'multipart/form-data; boundary=B'

  it('pairs paths and files by number, whatever their order', async () => {
    const pathsFirst = multipart('B', [field('files[0].path', 'mp/a.txt'), field('files[1].path', 'mp/b.txt'), field('files[2].path', 'mp/c.txt'), file('files[0].file', 'A'), file('files[1].file', 'B'), file('files[2].file', 'C')])
    const answer = await upload(pathsFirst, FORM)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.json.files.length, 3)
    const alternating = multipart('B', [field('files[1].path', 'mp/e.txt'), file('files[1].file', 'E'), field('files[0].path', 'mp/d.txt'), file('files[0].file', 'D')])
    assert.equal((await upload(alternating, FORM)).status, 200)
    assert.equal(await run(sandbox, 'cd mp; for f in *; do printf "$f="; cat $f; echo; done'), 'a.txt=A\nb.txt=B\nc.txt=C\nd.txt=D\ne.txt=E\n')
  })

  it('survives what clients put into a form', async () => {
    const body = Buffer.concat([Buffer.from('a preamble\r\n'), multipart('B', [field('files[0].path', ' mp/trim.txt '), file('files[0].file', '\r\n--C', '../../etc/evil', ['Content-Type: text/plain', 'X-Other: 1', 'Content-Transfer-Encoding: binary']), field('unknown', 'x')]), Buffer.from('an epilogue')])
    const answer = await upload(body, 'multipart/form-data; charset=utf-8; boundary="B"')
    assert.equal(answer.status, 200, answer.text)
    assert.equal(await run(sandbox, 'od -An -c mp/trim.txt | tr -d " \\n"; test -e /etc/evil && echo evil'), '\\r\\n--C')
  })

  it('takes long boundaries and parts split anywhere', async () => {
    const boundary = `--------------------------${'9'.repeat(40)}`
    const bytes = multipart(boundary, [field('files[0].path', 'mp/split.txt'), file('files[0].file', 'split content')])
    const stream = new ReadableStream({
      start(controller) {
        for (let i = 0; i < bytes.length; i += 7) controller.enqueue(bytes.subarray(i, i + 7))
        controller.close()
      },
    })
    const answer = await upload(stream, `multipart/form-data; boundary=${boundary}`)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(await run(sandbox, 'cat mp/split.txt'), 'split content')
  })

  it('refuses broken forms with words', async () => {
    const good = [field('files[0].path', 'mp/broken.txt'), file('files[0].file', 'x')]
    const broken = {
      'no boundary in the type': [multipart('B', good), 'multipart/form-data'],
      'another type': [Buffer.from('{}'), 'application/json'],
      'no closing boundary': [multipart('B', good, { closing: false }), FORM],
      'an end inside a head': [Buffer.from('--B\r\nContent-Disposition: form-data; na'), FORM],
      'nothing at all': [Buffer.alloc(0), FORM],
      'a file without a path': [multipart('B', [file('files[0].file', 'x')]), FORM],
      'an empty path': [multipart('B', [field('files[0].path', ''), file('files[0].file', 'x')]), FORM],
      'a head of a megabyte': [multipart('B', [file('files[0].file', 'x', 'y'.repeat(1 << 20))]), FORM],
      'a boundary of a megabyte': [multipart('B', good), `multipart/form-data; boundary=${'b'.repeat(5000)}`],
    }
    for (const [what, [body, type]] of Object.entries(broken)) {
      const answer = await upload(body, type)
      assert.ok(answer.status >= 400 && answer.status < 500, `${what}: ${answer.status} ${answer.text.slice(0, 200)}`)
      assert.ok(answer.text.length > 0, what)
    }
    const partial = await upload(multipart('B', [field('files[0].path', 'mp/fine.txt'), file('files[0].file', 'fine'), field('files[1].path', '/proc/none/x'), file('files[1].file', 'x')]), FORM)
    assert.equal(partial.status, 400, partial.text)
    assert.equal(partial.json.errors.length, 1)
    assert.match(partial.json.errors[0], /\/proc\/none/)
    assert.equal(await run(sandbox, 'cat mp/fine.txt'), 'fine')
  })

  it('takes 2000 small files in one form', async () => {
    const parts = Array.from({ length: 2000 }, (_, i) => [field(`files[${i}].path`, `mass/${i}.txt`), file(`files[${i}].file`, String(i))]).flat()
    const answer = await upload(multipart('B', parts), FORM)
    assert.equal(answer.status, 200, answer.text.slice(0, 200))
    assert.equal(await run(sandbox, 'ls mass | wc -l; cat mass/1999.txt'), '2000\n1999')
  })

  it('bulk-download answers every path, in a form that ends', async () => {
    await run(sandbox, 'mkdir -p bd/dir; printf one > bd/1.txt; : > bd/empty')
    const answer = await toolbox(sandbox, 'POST', '/files/bulk-download', { body: { paths: ['bd/1.txt', 'bd/missing', 'bd/dir', '', 'bd/empty'] } })
    assert.equal(answer.status, 200)
    const boundary = /^multipart\/form-data; boundary="?([^"]+)"?$/.exec(answer.headers.get('content-type'))[1]
    assert.ok(answer.bytes.toString('latin1').trimEnd().endsWith(`--${boundary}--`))
    const parts = answer.bytes.toString('utf8').split(`--${boundary}`).slice(1, -1)
    assert.equal(parts.length, 5)
    assert.match(parts[0], /name="file"; filename="bd\/1\.txt"/)
    assert.match(parts[0], /^content-length: 3\r$/im)
    assert.match(parts[0], /\r\n\r\none\r\n$/)
    for (const [i, status, code] of [[1, 404, 'FILE_NOT_FOUND'], [2, 400, 'INVALID_FILE_PATH'], [3, 400, 'INVALID_FILE_PATH']]) {
      assert.match(parts[i], /name="error"/)
      const json = JSON.parse(parts[i].slice(parts[i].indexOf('\r\n\r\n') + 4))
      assert.equal(json.statusCode, status)
      assert.equal(json.code, code)
      assert.equal(json.source, 'DAYTONA_DAEMON')
      assert.ok(json.message)
    }
    assert.match(parts[4], /^content-length: 0\r$/im)
  })

  it('bulk-download refuses a bad body', async () => {
    for (const body of ['{', '{}', '{"paths":[]}', '{"paths":"a"}', '{"paths":[5]}', '{"paths":null}']) {
      const answer = await toolbox(sandbox, 'POST', '/files/bulk-download', { body })
      assert.equal(answer.status, 400, `${body}: ${answer.text}`)
    }
  })

  it('goes on with a command whose caller left', async () => {
    const origin = new Origin(sandbox.toolboxProxyUrl)
    const body = JSON.stringify({ command: 'echo begun > begun; while [ ! -e go ]; do sleep 0.1; done; echo done > finished' })
    const socket = origin.open()
    socket.write(`POST ${origin.path}/${sandbox.id}/process/execute HTTP/1.1\r\nHost: ${origin.host}\r\nAuthorization: Bearer ${apiKey}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    await eventually('the command runs', async () => (await run(sandbox, 'cat begun 2>/dev/null')) === 'begun\n')
    socket.destroy()
    await run(sandbox, 'touch go')
    await eventually('the command finishes', async () => (await run(sandbox, 'cat finished 2>/dev/null')) === 'done\n')
  })

  it('survives readers that stop reading and callers that leave in the middle', async () => {
    const origin = new Origin(sandbox.toolboxProxyUrl)
    await run(sandbox, 'head -c 30000000 /dev/zero > zeros')
    const sockets = Array.from({ length: 10 }, () => {
      const socket = origin.open()
      socket.pause()
      socket.write(`GET ${origin.path}/${sandbox.id}/files/download?path=zeros HTTP/1.1\r\nHost: ${origin.host}\r\nAuthorization: Bearer ${apiKey}\r\n\r\n`)
      return socket
    })
    assert.equal(await run(sandbox, 'echo meanwhile'), 'meanwhile\n')
    for (const socket of sockets) socket.resetAndDestroy()
    assert.equal(await run(sandbox, 'echo after'), 'after\n')
  })

  it('refuses a length that the body does not keep', async () => {
    const origin = new Origin(sandbox.toolboxProxyUrl)
    const head = `POST ${origin.path}/${sandbox.id}/process/execute HTTP/1.1\r\nHost: ${origin.host}\r\nAuthorization: Bearer ${apiKey}\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n`
    const { responses, closed } = await exchange(origin, `${head}{"command":"echo executed > short"}`, { halfClose: true })
    assert.ok(closed)
    for (const response of responses) assert.ok(response.status >= 400, String(response.status))
    assert.equal(await run(sandbox, 'test -e short || echo none'), 'none\n')
  })

  it('is alive after all of this', async () => {
    assert.equal(await run(sandbox, 'echo alive'), 'alive\n')
    await assertAlive()
  })
})
