// The desktop's life: start, status, logs, restart, stop; VNC through the preview of noVNC's port.
import assert from 'node:assert/strict'
import http from 'node:http'
import { before, it } from 'node:test'
import { eventually } from '../lib/api.mjs'
import { connect } from '../lib/websocket.mjs'
import { forEachSdk } from '../typescript/lib/harness.mjs'

const REQUIRED = ['xvfb', 'xfce4', 'x11vnc', 'novnc']
const PRIORITIES = { xvfb: 100, xfce4: 200, atspi: 250, x11vnc: 300, novnc: 400 }

/** The address to connect to and the headers of a preview link; its name need not resolve here. */
function reach({ url, token }) {
  const { hostname, port, host } = new URL(url)
  return { address: hostname.endsWith('localhost') ? 'localhost' : hostname, port, headers: { host, 'x-daytona-preview-token': token } }
}

function visit(link, path) {
  const { address, port, headers } = reach(link)
  return new Promise((resolve, reject) => {
    const request = http.get({ host: address, port, path, headers }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk) => (body += chunk)).on('end', () => resolve({ status: response.statusCode, body }))
    })
    request.setTimeout(20_000, () => request.destroy(new Error('no answer within 20 s'))).on('error', reject)
  })
}

forEachSdk('desktop processes', (t) => {
  let sandbox
  let computer
  const run = async (command) => (await sandbox.process.executeCommand(command)).result.trim()
  const pids = (status) => Object.fromEntries(REQUIRED.map((name) => [name, status[name].pid]))

  before(async () => {
    sandbox = await t.create('processes')
    computer = sandbox.computerUse
  })

  it('is inactive before its start, and says what it does not know', async () => {
    assert.equal((await computer.getStatus()).status, 'inactive')
    for (const processName of Object.keys(PRIORITIES)) {
      assert.deepEqual(await computer.getProcessStatus(processName), { processName, running: false })
    }
    await t.rejects(computer.getProcessStatus('nothing'), { kind: 'any', message: /Failed to get process status.*process nothing not found/ })
    await t.rejects(computer.restartProcess('nothing'), { kind: 'badRequest', message: /process nothing not found/ })
    await t.rejects(computer.getProcessLogs('nothing'), { kind: 'badRequest', message: /process nothing not found/ })
    await t.rejects(computer.getProcessErrors('xvfb'), { kind: 'badRequest', message: /xvfb .*never started/ })
    await t.rejects(computer.screenshot.takeFullScreen(), { kind: 'badRequest', message: /display/i })
  })

  it('starts, once', async () => {
    const { message, status } = await computer.start()
    assert.equal(message, 'Computer use processes started successfully')
    for (const [name, priority] of Object.entries(PRIORITIES)) {
      const { running, autoRestart, ...rest } = status[name]
      assert.deepEqual({ running, autoRestart, priority: rest.priority }, { running: true, autoRestart: name !== 'atspi', priority }, name)
      assert.equal(typeof rest.pid, name === 'atspi' ? 'object' : 'number', name)
    }
    assert.equal((await computer.getStatus()).status, 'active')
    assert.deepEqual(await computer.getProcessStatus('atspi'), { processName: 'atspi', running: true })
    assert.deepEqual(pids((await computer.start()).status), pids(status))
  })

  it('keeps what the processes write', async () => {
    const { processName, logs } = await computer.getProcessLogs('x11vnc')
    assert.equal(processName, 'x11vnc')
    assert.match(logs, /PORT=5901/)
    const { errors } = await computer.getProcessErrors('x11vnc')
    assert.match(errors, /without a password/i)
    assert.equal(errors, (await sandbox.fs.downloadFile('.daytona/computeruse/x11vnc.err')).toString())
    assert.equal((await computer.getProcessLogs('xvfb')).logs, '')
  })

  it('gives later commands the display and the session bus', async () => {
    assert.equal(await run('echo $DISPLAY; xdpyinfo | grep dimensions'), ':0\n  dimensions:    1024x768 pixels (260x195 millimeters)')
    const bus = 'dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames'
    assert.match(await run(bus), /org\.a11y\.Bus/)
  })

  it('is reached through the preview of noVNC', async () => {
    const link = await sandbox.getPreviewLink(6080)
    const { status, body } = await visit(link, '/vnc.html')
    assert.equal(status, 200, body)
    assert.match(body, /noVNC/)
    const { address, port, headers } = reach(link)
    const socket = await connect(`ws://${address}:${port}/websockify`, { headers, protocols: ['binary'] })
    assert.ok(socket.frames, `no WebSocket: ${JSON.stringify(socket)}`)
    await socket.until('the greeting of VNC', () => socket.binary.length >= 12)
    assert.match(socket.binary.toString('latin1'), /^RFB 003\.\d{3}\n$/)
    socket.sendBinary(socket.binary) // the same version; the server offers "no authentication"
    await socket.until('the kinds of authentication', () => socket.binary.length >= 14)
    assert.deepEqual([...socket.binary.subarray(12, 14)], [1, 1])
    socket.close()
  })

  it('restarts a process', async () => {
    const old = (await computer.start()).status
    const answer = await computer.restartProcess('x11vnc')
    assert.deepEqual(answer, { message: 'Process x11vnc restarted successfully', processName: 'x11vnc' })
    await eventually('another x11vnc runs', async () => {
      const pid = await run('pgrep -x x11vnc')
      return pid && Number(pid) !== old.x11vnc.pid
    })
    const { status } = await computer.start()
    assert.equal(status.xvfb.pid, old.xvfb.pid)
    assert.notEqual(status.x11vnc.pid, old.x11vnc.pid)
  })

  it('brings a process back that ended', async () => {
    const [old] = (await run('pgrep -f websockify')).split('\n')
    await run('pkill -KILL -f websockify')
    assert.equal((await computer.getProcessStatus('novnc')).running, true)
    await eventually('another noVNC runs', async () => {
      const [now] = (await run('pgrep -f "[w]ebsockify"')).split('\n')
      return now && now !== old
    })
  })

  it('restarts the X server with what lives on it', async () => {
    const old = (await computer.start()).status
    await computer.restartProcess('xvfb')
    await eventually('another X server runs', async () => !(await run('pgrep -x Xvfb')).split('\n').includes(String(old.xvfb.pid)))
    const { status } = await computer.start()
    for (const name of ['xvfb', 'xfce4', 'x11vnc']) assert.notEqual(status[name].pid, old[name].pid, name)
    await eventually('the desktop is there again', async () => (await run('wmctrl -l')).includes('xfce4-panel'))
  })

  it('stops with everything that runs on it', async () => {
    await run('setsid mousepad >/dev/null 2>&1 &')
    await eventually('the editor has its window', async () => (await run('wmctrl -l')).includes('Mousepad'))
    const { message, status } = await computer.stop()
    assert.equal(message, 'Computer use processes stopped successfully')
    for (const name of Object.keys(PRIORITIES)) assert.equal(status[name].running, false, name)
    for (const name of REQUIRED) assert.equal(status[name].pid, null, name)
    assert.equal((await computer.getStatus()).status, 'inactive')
    await eventually('nothing of the desktop runs', async () => !/Xvfb|xf|x11vnc|websockify|dbus|at-spi|mousepad/.test(await run('ps -eo args= | grep -v "ps -eo"')))
    assert.equal(await run('echo "$DBUS_SESSION_BUS_ADDRESS"'), '')
    await computer.stop()
  })

  it('starts again, also when another process has the number in the lock of the X server', async () => {
    await run('ln -sf nothing /tmp/.X11-unix/X0; printf "%10d\\n" 1 > /tmp/.X0-lock')
    const { status } = await computer.start()
    assert.ok(REQUIRED.every((name) => status[name].running), JSON.stringify(status))
    assert.match(await run('xdpyinfo | grep "name of display"'), /:0/)
  })

  it('starts again after the sandbox was stopped', async () => {
    await sandbox.stop()
    await sandbox.start()
    assert.equal((await computer.getStatus()).status, 'inactive')
    await computer.start()
    assert.equal((await computer.getStatus()).status, 'active')
  })
})

forEachSdk('desktop of one\'s own', (t) => {
  it('has the size that the sandbox asks for', async () => {
    const sandbox = await t.create('size', { envVars: { VNC_RESOLUTION: '801x602', DISPLAY: ':7', VNC_PORT: '5999', NO_VNC_PORT: '6999' } })
    await sandbox.computerUse.start()
    const { displays } = await sandbox.computerUse.display.getInfo()
    assert.deepEqual(displays.map(({ width, height }) => [width, height]), [[801, 602]])
    const { result } = await sandbox.process.executeCommand('ss -tln; ls /tmp/.X11-unix')
    assert.match(result, /:5999 [^]*X7|X7[^]*:5999 /)
    assert.match(result, /:6999 /)
  })
})
