// Byte-exact HTTP/1.1 over a socket: sends what no HTTP client would send and reports all that comes back.
import net from 'node:net'
import tls from 'node:tls'

export class Origin {
  constructor(url) {
    const { protocol, hostname, port, host, pathname } = new URL(url)
    this.secure = protocol === 'https:'
    this.host = host
    this.hostname = hostname.replace(/^\[|\]$/g, '')
    this.port = Number(port) || (this.secure ? 443 : 80)
    this.path = pathname.replace(/\/$/, '')
  }

  open() {
    const options = { host: this.hostname, port: this.port }
    const socket = this.secure ? tls.connect({ ...options, servername: this.hostname, rejectUnauthorized: false }) : net.connect(options)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    return socket
  }
}

function parseOne(bytes) {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [statusLine, ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n')
  const match = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(statusLine)
  if (!match) throw new Error(`not a status line: ${JSON.stringify(statusLine)}`)
  const status = Number(match[1])
  const headers = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  }
  let at = headEnd + 4
  if (status < 200 || status === 204 || status === 304) return { status, headers, body: Buffer.alloc(0), end: at }
  if (/chunked/i.test(headers['transfer-encoding'] ?? '')) {
    const parts = []
    for (;;) {
      const lineEnd = bytes.indexOf('\r\n', at)
      if (lineEnd < 0) return undefined
      const size = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16)
      at = lineEnd + 2
      if (bytes.length < at + size + 2) return undefined
      parts.push(bytes.subarray(at, at + size))
      at += size + 2
      if (size === 0) return { status, headers, body: Buffer.concat(parts), end: at }
    }
  }
  if ('content-length' in headers) {
    const length = Number(headers['content-length'])
    if (bytes.length < at + length) return undefined
    return { status, headers, body: bytes.subarray(at, at + length), end: at + length }
  }
  return { status, headers, body: bytes.subarray(at), end: bytes.length, untilClose: true }
}

function parseAll(bytes) {
  const responses = []
  let rest = bytes
  while (rest.length) {
    const response = parseOne(rest)
    if (!response) break
    responses.push({ ...response, text: response.body.toString('utf8'), json: tryJson(response.body) })
    rest = rest.subarray(response.end)
  }
  return { responses, rest }
}

function tryJson(body) {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

/**
 * Writes `bytes` and collects responses until the server closes, or until `responses` of them are complete (give a number only
 * where the connection is meant to stay open). `seconds` bounds the wait and is reported as `gaveUp`, never slept through.
 */
export function exchange(origin, bytes, { responses: wanted = Infinity, seconds = 60, halfClose = false } = {}) {
  return new Promise((resolve) => {
    const socket = origin.open()
    const received = []
    let timer
    const finish = (end) => {
      clearTimeout(timer)
      socket.destroy()
      try {
        resolve({ ...end, ...parseAll(Buffer.concat(received)) })
      } catch (error) {
        resolve({ ...end, responses: [], rest: Buffer.concat(received), malformed: error.message })
      }
    }
    timer = setTimeout(() => finish({ closed: false, gaveUp: true }), seconds * 1000)
    socket.on('data', (chunk) => {
      received.push(chunk)
      if (wanted === Infinity) return
      const complete = parseAll(Buffer.concat(received)).responses.filter((response) => response.status >= 200 && !response.untilClose)
      if (complete.length >= wanted) finish({ closed: false, gaveUp: false })
    })
    socket.on('close', () => finish({ closed: true, gaveUp: false }))
    const send = () => {
      for (const part of Array.isArray(bytes) ? bytes : [bytes]) socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part)
      if (halfClose) socket.end()
    }
    socket.once(origin.secure ? 'secureConnect' : 'connect', send)
  })
}

/** Opens an upgrade to WebSocket and tells how the server answered it. */
export async function upgrade(origin, target, headers = {}) {
  const lines = { Host: origin.host, Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', ...headers }
  const head = [`GET ${target} HTTP/1.1`, ...Object.entries(lines).map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')
  const { responses, closed } = await exchange(origin, head, { responses: 1, seconds: 20 })
  const answer = responses.find((response) => response.status >= 200 || response.status === 101)
  return { status: answer?.status, json: answer?.json, closed }
}
