// What the toolbox tells about a sandbox: ports, metrics, environment, directories.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { eventually } from '../lib/api.mjs'
import { assertToolboxError, run, sandboxes, toolbox } from './setup.mjs'

describe('what the toolbox tells', () => {
  const { create } = sandboxes('ports')
  let sandbox
  const get = (path) => toolbox(sandbox, 'GET', path)
  const inUse = async (port) => (await get(`/port/${port}/in-use`)).json
  before(async () => {
    sandbox = await create()
  })

  it('lists no port of its own', async () => {
    const answer = await get('/port')
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.json, { ports: [] })
  })

  it('sees programs that listen, of both families, and when they end', async () => {
    assert.deepEqual(await inUse(3500), { isInUse: false })
    await run(
      sandbox,
      `setsid python3 -c "import socket, time
four = socket.create_server(('127.0.0.1', 3500))
six = socket.create_server(('::', 3501), family=socket.AF_INET6)
low = socket.create_server(('', 81))
time.sleep(600)" < /dev/null > /dev/null 2>&1 & echo $! > ports.pid`,
    )
    await eventually('the ports are listed', async () => (await get('/port')).json.ports.length === 3)
    assert.deepEqual((await get('/port')).json.ports.sort(), [3500, 3501, 81])
    assert.deepEqual(await inUse(3500), { isInUse: true })
    assert.deepEqual(await inUse(3501), { isInUse: true })
    await run(sandbox, 'kill $(cat ports.pid)')
    await eventually('the ports are free', async () => (await inUse(3500)).isInUse === false)
    assert.deepEqual((await get('/port')).json, { ports: [] })
  })

  it('tells of ports from 3000 to 9999 only', async () => {
    for (const port of ['2999', '10000', '80', '0', '-1', '65536', 'x', '3000.5', '%33000x']) assertToolboxError(await get(`/port/${port}/in-use`), 400)
    for (const port of ['3000', '9999']) assert.deepEqual(await inUse(port), { isInUse: false })
  })

  it('measures the sandbox, not the machine', async () => {
    const { json, status } = await get('/system/metrics')
    assert.equal(status, 200)
    assert.deepEqual(Object.keys(json).sort(), ['cpuCount', 'cpuUsedPct', 'diskFree', 'diskTotal', 'diskUsed', 'memCache', 'memTotal', 'memUsed', 'timestamp', 'timestampUnix'])
    for (const [name, value] of Object.entries(json)) if (name !== 'timestamp' && name !== 'cpuUsedPct') assert.ok(Number.isSafeInteger(value) && value >= 0, `${name}: ${value}`)
    assert.equal(json.cpuCount, sandbox.cpu)
    assert.equal(json.memTotal, sandbox.memory * 2 ** 30)
    assert.ok(json.memUsed > 0 && json.memUsed < json.memTotal / 2, `memory ${json.memUsed}`)
    assert.ok(json.diskUsed <= json.diskTotal && json.diskFree <= json.diskTotal)
    assert.ok(Math.abs(Date.parse(json.timestamp) - json.timestampUnix * 1000) < 1000)
  })

  it('measures work at the first question', async () => {
    const busy = await create('busy')
    await run(busy, `for i in $(seq ${2 * busy.cpu}); do (while :; do :; done) > /dev/null 2>&1 < /dev/null & done`)
    const { json } = await toolbox(busy, 'GET', '/system/metrics')
    assert.ok(json.cpuUsedPct > 5 && json.cpuUsedPct <= 100, `cpu ${json.cpuUsedPct}`)
  })

  it('changes the environment of later commands', async () => {
    const set = (body) => toolbox(sandbox, 'POST', '/env', { body })
    let answer = await set({ set: { E2E_A: 'secret-1', E2E_B: 'secret-2', 'E2E_C': 'plain' } })
    assert.equal(answer.status, 200, answer.text)
    for (const value of Object.values(answer.json)) assert.equal(typeof value, 'string')
    answer = await set({ unsetValuePrefix: 'secret-', unset: ['E2E_C', 'E2E_NONE'], set: { E2E_B: 'secret-3', E2E_D: '' } })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(await run(sandbox, 'echo "${E2E_A-gone} $E2E_B ${E2E_C-gone} ${E2E_D-gone}"'), 'gone secret-3 gone \n')
    for (const body of ['', '[]', '{"set":{"A=B":"x"}}', '{"set":{"A":1}}', '{"set":"A"}', '{"unset":"A"}', '{"unsetValuePrefix":[]}']) assertToolboxError(await set(body), 400)
  })

  it('tells version, directories and takes its token', async () => {
    assert.match((await get('/version')).json.version, /^v\d+\.\d+\.\d+/)
    const { dir } = (await get('/work-dir')).json
    assert.equal(await run(sandbox, 'pwd'), `${dir}\n`)
    const home = (await get('/user-home-dir')).json.dir
    assert.equal(await run(sandbox, 'echo $HOME'), `${home}\n`)
    assert.deepEqual((await get('/project-dir')).json, { dir: home })
    for (const body of [{ token: 'x' }, {}]) assert.equal((await toolbox(sandbox, 'POST', '/init', { body })).json.message, 'Auth token set and telemetry initialized successfully')
    assertToolboxError(await toolbox(sandbox, 'POST', '/init', { body: 'x' }), 400)
  })
})
