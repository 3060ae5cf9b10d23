// The program of the tests (app.py) in a sandbox: started, asked what it got, looked at.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../lib/api.mjs'
import { Png } from './png.mjs'

export const AWAITED = 'Grüße, 世界 — ½ €5!'
const PROGRAM = readFileSync(fileURLToPath(new URL('../app.py', import.meta.url)))
const COLOURS = { waiting: [200, 30, 40], awaited: [20, 160, 60], pressed: [30, 60, 220] }

export class App {
  constructor(sandbox) {
    this.sandbox = sandbox
    this.computer = sandbox.computerUse
  }

  static async start(sandbox) {
    const app = new App(sandbox)
    await sandbox.fs.uploadFile(PROGRAM, 'app.py')
    await app.restart()
    return app
  }

  /** Ends the one of before. */
  async restart() {
    const { result, exitCode } = await this.sandbox.process.executeCommand(
      `[ ! -e app.pid ] || kill "$(cat app.pid)"; rm -f app.json; setsid python3 app.py '${AWAITED}' >app.log 2>&1 & echo $! >app.pid`)
    assert.equal(exitCode, 0, result)
    await this.until('the window is up and has the focus', ({ active, places }) => active && places.field[2] > 1)
  }

  async state() {
    const { result, exitCode } = await this.sandbox.process.executeCommand('cat app.json || cat app.log')
    return exitCode === 0 && result.startsWith('{') ? JSON.parse(result) : undefined
  }

  async until(what, condition) {
    let last
    await eventually(what, async () => (last = await this.state()) && condition(last), { seconds: 30 }).catch((error) => {
      throw new Error(`${error.message}; the program's state: ${JSON.stringify(last)}`)
    })
    return last
  }

  /** The middle of a part of the window on the screen. */
  async middle(part) {
    const [x, y, width, height] = (await this.state()).places[part]
    return { x: x + (width >> 1), y: y + (height >> 1) }
  }

  /** Clicks into an entry. The window manager holds a click back until it has looked at it, and keys may overtake it then. */
  async click(part) {
    const { x, y } = await this.middle(part)
    const clicked = await this.computer.mouse.click(x, y)
    await this.until(`${part} has the focus`, ({ focus }) => focus === part)
    return clicked
  }

  /** Until a screenshot shows the field in the colour. */
  async shows(name) {
    const { x, y } = await this.middle('field')
    let seen
    await eventually(`the screenshot shows ${COLOURS[name]}`, async () => {
      seen = new Png((await this.computer.screenshot.takeFullScreen()).screenshot).at(x, y)
      return String(seen) === String(COLOURS[name])
    }, { seconds: 20 }).catch((error) => {
      throw new Error(`${error.message} but ${seen}`)
    })
  }
}
