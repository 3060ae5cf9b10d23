// A PTY whose output is collected, with waits for what it shows.
import { eventually } from '../../lib/api.mjs'

export class Terminal {
  output = ''
  #decoder = new TextDecoder()

  onData = (bytes) => {
    this.output += this.#decoder.decode(bytes, { stream: true })
  }

  static async create(sandbox, options) {
    const terminal = new Terminal()
    terminal.handle = await sandbox.process.createPty({ ...options, onData: terminal.onData })
    await terminal.handle.waitForConnection()
    return terminal
  }

  static async connect(sandbox, id) {
    const terminal = new Terminal()
    terminal.handle = await sandbox.process.connectPty(id, { onData: terminal.onData })
    await terminal.handle.waitForConnection()
    return terminal
  }

  /** Types a line. Terminals show what is typed: a command has to show something else than its own text. */
  type(line) {
    return this.handle.sendInput(`${line}\n`)
  }

  async shows(text, seconds = 20) {
    const found = () => (typeof text === 'string' ? this.output.includes(text) : text.test(this.output))
    await eventually(`the terminal shows ${text}`, found, { seconds }).catch((error) => {
      throw new Error(`${error.message}, but ${JSON.stringify(this.output.slice(-300))}`)
    })
  }

  /** Runs a command of which the result is a line `<answer>`; the shell builds the brackets, so that the echo has none. */
  async asks(command) {
    const before = this.output.length
    await this.type(`printf '\\074%s\\076\\n' "$(${command})"`)
    let answer
    await eventually(`an answer to ${command}`, () => (answer = /<([^<>]*)>\r?\n/.exec(this.output.slice(before))), { seconds: 20 })
    return answer[1]
  }

  async ends(line) {
    await this.type(line)
    return this.handle.wait()
  }
}
