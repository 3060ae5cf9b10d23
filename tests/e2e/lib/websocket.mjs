// A WebSocket client that shows the wire: every frame and the exact close, with any header. Node.js 20 has none of its own.
import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'

const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

export class Socket {
  /** [{ text }] or [{ binary }] in order of arrival. */
  frames = []
  closed = undefined
  #rest = Buffer.alloc(0)
  #waiting = []

  constructor(socket, protocol, head) {
    this.protocol = protocol
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', () => {})
    socket.on('close', () => this.#end({ code: 1006, reason: '' }))
    if (head.length) this.#take(head)
  }

  #take(chunk) {
    this.#rest = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : chunk
    for (;;) {
      const bytes = this.#rest
      if (bytes.length < 2) return
      let length = bytes[1] & 127
      let at = 2
      if (length >= 126) {
        at = length === 126 ? 4 : 10
        if (bytes.length < at) return
        length = at === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
      }
      if (bytes.length < at + length) return
      const payload = bytes.subarray(at, at + length)
      this.#rest = bytes.subarray(at + length)
      this.#frame(bytes[0] & 15, payload)
    }
  }

  #frame(kind, payload) {
    if (kind === TEXT) this.frames.push({ text: payload.toString() })
    else if (kind === BINARY) this.frames.push({ binary: Buffer.from(payload) })
    else if (kind === PING) this.#send(PONG, payload)
    else if (kind === CLOSE) {
      this.#end({ code: payload.length >= 2 ? payload.readUInt16BE(0) : 1005, reason: payload.subarray(2).toString() })
      this.#send(CLOSE, payload.subarray(0, 2))
    }
    this.#check()
  }

  #end(how) {
    this.closed ??= how
    this.#check()
  }

  #check() {
    this.#waiting = this.#waiting.filter(({ condition, resolve }) => {
      const value = condition()
      if (value) resolve(value)
      return !value
    })
  }

  #send(kind, payload) {
    if (!this.socket.writable) return
    const mask = randomBytes(4)
    const size = payload.length
    const head = size < 126 ? Buffer.from([128 | kind, 128 | size]) : size < 65536 ? Buffer.from([128 | kind, 254, size >> 8, size & 255]) : Buffer.alloc(10)
    if (size >= 65536) {
      head.set([128 | kind, 255])
      head.writeBigUInt64BE(BigInt(size), 2)
    }
    const masked = Buffer.from(payload)
    for (let i = 0; i < size; i += 1) masked[i] ^= mask[i & 3]
    this.socket.write(Buffer.concat([head, mask, masked]))
  }

  sendText(text) {
    this.#send(TEXT, Buffer.from(text))
  }

  sendBinary(bytes) {
    this.#send(BINARY, Buffer.from(bytes))
  }

  close(code = 1000) {
    this.#send(CLOSE, Buffer.from([code >> 8, code & 255]))
  }

  get binary() {
    return Buffer.concat(this.frames.filter(({ binary }) => binary).map(({ binary }) => binary))
  }

  get texts() {
    return this.frames.filter(({ text }) => text !== undefined).map(({ text }) => text)
  }

  async until(what, condition, seconds = 20) {
    let timer
    const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`did not happen within ${seconds} s: ${what}`)), seconds * 1000)))
    const came = new Promise((resolve) => this.#waiting.push({ condition, resolve }))
    this.#check()
    return Promise.race([came, late]).finally(() => clearTimeout(timer))
  }

  end() {
    return this.until('the server closes', () => this.closed, 30)
  }
}

/** Opens a WebSocket, or tells how the server answered instead: `{ status, json }`. */
export function connect(url, { headers = {}, protocols = [] } = {}) {
  const key = randomBytes(16).toString('base64')
  const request = http.request(url.replace(/^ws/, 'http'), {
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': key,
      ...(protocols.length ? { 'Sec-WebSocket-Protocol': protocols.join(', ') } : {}),
      ...headers,
    },
  })
  return new Promise((resolve, reject) => {
    request.setTimeout(20_000, () => request.destroy(new Error('no answer within 20 s')))
    request.on('error', reject)
    request.on('upgrade', (response, socket, head) => {
      socket.setTimeout(0)
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
      if (response.headers['sec-websocket-accept'] !== accept) reject(new Error('wrong Sec-WebSocket-Accept'))
      else resolve(new Socket(socket, response.headers['sec-websocket-protocol'], head))
    })
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk)).on('end', () => {
        let json
        try {
          json = JSON.parse(text)
        } catch {
          json = undefined
        }
        resolve({ status: response.statusCode, headers: response.headers, text, json })
      })
    })
    request.end()
  })
}
