// Pixels of a PNG as screenshots are: 8 bits a channel, not interlaced.
import assert from 'node:assert/strict'
import { inflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const CHANNELS = { 0: 1, 2: 3, 4: 2, 6: 4 }

function chunks(bytes) {
  const found = { IDAT: [] }
  for (let at = 8; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at)
    const name = bytes.toString('latin1', at + 4, at + 8)
    const data = bytes.subarray(at + 8, at + 8 + size)
    if (name === 'IDAT') found.IDAT.push(data)
    else found[name] = data
    at += 12 + size
  }
  return found
}

function paeth(left, up, corner) {
  const estimate = left + up - corner
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)]
  if (a <= b && a <= c) return left
  return b <= c ? up : corner
}

export class Png {
  constructor(base64) {
    const bytes = Buffer.from(base64, 'base64')
    assert.ok(bytes.subarray(0, 8).equals(SIGNATURE), 'a PNG')
    const { IHDR, IDAT, PLTE } = chunks(bytes)
    this.width = IHDR.readUInt32BE(0)
    this.height = IHDR.readUInt32BE(4)
    this.palette = IHDR[9] === 3 ? PLTE : undefined
    this.channels = this.palette ? 1 : CHANNELS[IHDR[9]]
    assert.equal(IHDR[8], 8, 'bits a channel')
    assert.equal(IHDR[12], 0, 'not interlaced')
    this.#unfilter(inflateSync(Buffer.concat(IDAT)))
  }

  #unfilter(data) {
    const stride = this.width * this.channels
    this.data = Buffer.alloc(stride * this.height)
    for (let y = 0; y < this.height; y += 1) {
      const filter = data[y * (stride + 1)]
      for (let x = 0; x < stride; x += 1) {
        const at = y * stride + x
        const left = x >= this.channels ? this.data[at - this.channels] : 0
        const up = y ? this.data[at - stride] : 0
        const corner = y && x >= this.channels ? this.data[at - stride - this.channels] : 0
        const add = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]
        this.data[at] = data[y * (stride + 1) + 1 + x] + add
      }
    }
  }

  /** [red, green, blue] */
  at(x, y) {
    const at = (y * this.width + x) * this.channels
    if (this.palette) return [...this.palette.subarray(this.data[at] * 3, this.data[at] * 3 + 3)]
    if (this.channels < 3) return [this.data[at], this.data[at], this.data[at]]
    return [...this.data.subarray(at, at + 3)]
  }
}

/** Width and height of a JPEG, from its frame header. */
export function jpegSize(base64) {
  const bytes = Buffer.from(base64, 'base64')
  assert.equal(bytes.readUInt16BE(0), 0xffd8, 'a JPEG')
  for (let at = 2; at < bytes.length; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes[at + 1]
    if (marker >= 0xc0 && marker <= 0xc2) return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) }
  }
  return assert.fail('no frame header')
}
