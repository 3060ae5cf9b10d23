// The program that previews show, and small clients for it.
import http from 'node:http'
import { Origin } from '../lib/wire.mjs'

/** Runs in the sandbox with python3 and nothing else: `app.py PORT [ADDRESS]`. Tells in JSON what it was asked. */
export const APP = String.raw`
import base64, hashlib, itertools, json, socket, struct, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

numbers = itertools.count()
go = threading.Event()

class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    server_version, sys_version = 'app', ''
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        self.number = next(numbers)

    def __getattr__(self, name):
        if name.startswith('do_'):
            return self.answer
        raise AttributeError(name)

    def pieces(self):
        if 'chunked' in self.headers.get('Transfer-Encoding', ''):
            while size := int(self.rfile.readline().split(b';')[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get('Content-Length', 0))
        while left:
            piece = self.rfile.read(min(left, 65536))
            left -= len(piece)
            yield piece

    def say(self, status, body=b'', **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        self.send_header('X-App', 'yes')
        if status not in (204, 304):
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD' and status not in (204, 304):
            self.wfile.write(body)

    def chunk(self, data):
        self.wfile.write(b'%x\r\n%s\r\n' % (len(data), data))

    def chunked(self, chunks):
        self.send_response(200)
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        if self.command == 'HEAD':
            return
        for data in chunks:
            self.chunk(data)
        self.wfile.write(b'0\r\n\r\n')

    def two(self):
        go.clear()
        yield b'first'
        go.wait(30)
        yield b'second'

    def answer(self):
        target = self.raw_requestline.decode('latin-1').split(' ')[1]
        path, _, query = target.partition('?')
        if path == '/ws' and self.headers.get('Upgrade', '').lower() == 'websocket':
            return self.websocket()
        digest, length = hashlib.sha256(), 0
        for piece in self.pieces():
            digest.update(piece)
            length += len(piece)
        if path == '/large':
            self.send_response(200)
            self.send_header('Content-Length', query)
            self.end_headers()
            left = 0 if self.command == 'HEAD' else int(query)
            while left > 0:
                left -= self.wfile.write(b'x' * min(left, 1 << 20))
        elif path == '/chunked':
            self.chunked(b'piece %d\n' % i for i in range(1000))
        elif path == '/two':
            self.chunked(self.two())
        elif path == '/go':
            go.set()
            self.say(200)
        elif path == '/status':
            self.say(int(query), ("the program's own " + query).encode())
        elif path == '/redirect':
            self.say(302, Location='/elsewhere')
        elif path == '/cookies':
            self.send_response(200)
            self.send_header('Set-Cookie', 'a=1; Path=/')
            self.send_header('Set-Cookie', 'b=2')
            self.send_header('Content-Length', '0')
            self.end_headers()
        else:
            told = dict(method=self.command, target=target, headers=self.headers.items(), length=length, sha256=digest.hexdigest(), connection=self.number)
            self.say(200, json.dumps(told).encode(), Content_Type='application/json')

    def frame(self):
        first, second = self.rfile.read(2)
        size = second & 127
        if size == 126:
            size, = struct.unpack('>H', self.rfile.read(2))
        elif size == 127:
            size, = struct.unpack('>Q', self.rfile.read(8))
        mask, data = self.rfile.read(4), bytearray(self.rfile.read(size))
        for i in range(size):
            data[i] ^= mask[i % 4]
        return first & 15, bytes(data)

    def reply(self, kind, data):
        size = len(data)
        head = bytes([128 | kind]) + (bytes([size]) if size < 126 else b'\x7e' + struct.pack('>H', size) if size < 65536 else b'\x7f' + struct.pack('>Q', size))
        self.wfile.write(head + data)

    def websocket(self):
        key = self.headers['Sec-WebSocket-Key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
        self.send_response(101)
        self.send_header('Upgrade', 'websocket')
        self.send_header('Connection', 'Upgrade')
        self.send_header('Sec-WebSocket-Accept', base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        if protocol := self.headers.get('Sec-WebSocket-Protocol'):
            self.send_header('Sec-WebSocket-Protocol', protocol)
        self.end_headers()
        self.close_connection = True
        while True:
            kind, data = self.frame()
            if kind == 8:
                return self.reply(8, data)
            self.reply(1, b'echo ' + data)

class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

address = sys.argv[2] if len(sys.argv) > 2 else '0.0.0.0'
if ':' in address:
    Server.address_family = socket.AF_INET6
Server((address, int(sys.argv[1])), Handler).serve_forever()
`

/** Where a preview URL leads. Names under localhost do not resolve everywhere: those are dialled as localhost. */
export function preview(url) {
  const origin = new Origin(url)
  if (origin.hostname.endsWith('.localhost')) origin.hostname = 'localhost'
  origin.url = url
  return origin
}

export function send(origin, { method = 'GET', path = '/', headers = {}, body, chunked = false, agent = false } = {}) {
  const length = body === undefined || chunked ? {} : { 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const options = { host: origin.hostname, port: origin.port, method, path, agent, headers: { host: origin.host, ...length, ...headers }, timeout: 60_000 }
    const request = http.request(options, (response) => {
      const { localPort } = request.socket
      const pieces = []
      response.on('data', (piece) => pieces.push(piece))
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(pieces)
        const text = bytes.length < 1 << 20 ? bytes.toString() : ''
        let json
        try {
          json = JSON.parse(text)
        } catch {
          json = undefined
        }
        resolve({ status: response.statusCode, headers: response.headers, bytes, text, json, localPort })
      })
    })
    request.on('error', reject)
    request.on('timeout', () => request.destroy(new Error('no answer')))
    if (chunked) {
      for (let at = 0; at < body.length; at += 100_000) request.write(body.subarray(at, at + 100_000))
      request.end()
    } else {
      request.end(body)
    }
  })
}

/** Just enough of RFC 6455 to talk to an echo. */
export class WebSocketClient {
  static open(origin, path, headers = {}) {
    return new Promise((resolve, reject) => {
      const request = http.request({
        host: origin.hostname,
        port: origin.port,
        path,
        agent: false,
        headers: { Host: origin.host, Connection: 'keep-alive, Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', ...headers },
      })
      request.on('error', reject)
      request.on('response', (response) => {
        response.resume()
        resolve({ status: response.statusCode, headers: response.headers })
      })
      request.on('upgrade', (response, socket, head) => resolve(new WebSocketClient(response, socket, head)))
      request.end()
    })
  }

  constructor(response, socket, head) {
    this.status = response.statusCode
    this.headers = response.headers
    this.socket = socket
    this.bytes = head
    this.wake = () => {}
    socket.on('data', (piece) => {
      this.bytes = Buffer.concat([this.bytes, piece])
      this.wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => this.wake())
  }

  write(kind, data) {
    const size = data.length < 126 ? Buffer.from([0x80 | data.length]) : data.length < 65_536 ? Buffer.from([0xfe, data.length >> 8, data.length & 255]) : Buffer.concat([Buffer.from([0xff, 0, 0, 0, 0]), Buffer.from(Uint32Array.of(data.length).buffer).reverse()])
    this.socket.write(Buffer.concat([Buffer.from([0x80 | kind]), size, Buffer.alloc(4), data])) // a mask of zeros
  }

  send(text) {
    this.write(1, Buffer.from(text))
  }

  async frame() {
    const take = async (n) => {
      while (this.bytes.length < n) {
        if (this.socket.destroyed) throw new Error('the connection ended')
        await new Promise((resolve) => {
          this.wake = resolve
        })
      }
      const taken = this.bytes.subarray(0, n)
      this.bytes = this.bytes.subarray(n)
      return taken
    }
    const [first, second] = await take(2)
    let size = second & 127
    if (size === 126) size = (await take(2)).readUInt16BE()
    else if (size === 127) size = Number((await take(8)).readBigUInt64BE())
    return { kind: first & 15, data: await take(size) }
  }

  async receive() {
    return (await this.frame()).data.toString()
  }

  /** Closes with a code and gives the code that came back. */
  async close(code) {
    this.write(8, Buffer.from([code >> 8, code & 255]))
    const { kind, data } = await this.frame()
    this.socket.destroy()
    return kind === 8 ? data.readUInt16BE() : undefined
  }
}
