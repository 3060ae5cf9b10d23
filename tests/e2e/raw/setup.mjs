// What the raw tests share: sandboxes that clean up after themselves, the toolbox, the shape of an error.
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { api, apiKey, apiUrl, discard, runLabels, unique } from '../lib/api.mjs'
import { Origin } from '../lib/wire.mjs'

export const apiOrigin = new Origin(apiUrl)

/** Creates sandboxes for the enclosing group and deletes them at its end. */
export function sandboxes(group) {
  const made = []
  after(() => Promise.all(made.map(discard)))
  const track = (idOrName) => made.push(idOrName)
  const create = async (test = 'shared', body = {}) => {
    const name = unique(`raw-${group}`, test)
    track(name)
    const { status, json, text } = await api('POST', '/sandbox', { body: { name, ...body, labels: { ...runLabels, ...body.labels } } })
    assert.equal(status, 200, text)
    track(json.id)
    assert.equal(json.state, 'started', text)
    return json
  }
  return { create, track }
}

export async function toolbox(sandbox, method, path, { body, key = apiKey, headers = {} } = {}) {
  const json = body !== undefined && (typeof body === 'string' || (typeof body === 'object' && body.constructor === Object))
  const response = await fetch(`${sandbox.toolboxProxyUrl}/${sandbox.id}${path}`, {
    method,
    headers: { ...(key ? { authorization: `Bearer ${key}` } : {}), ...(json ? { 'content-type': 'application/json' } : {}), ...headers },
    body: json && typeof body !== 'string' ? JSON.stringify(body) : body,
    signal: AbortSignal.timeout(60_000),
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  let parsed
  try {
    parsed = JSON.parse(bytes.toString())
  } catch {
    parsed = undefined
  }
  return { status: response.status, headers: response.headers, bytes, text: bytes.toString(), json: parsed }
}

export async function run(sandbox, command) {
  const { status, json, text } = await toolbox(sandbox, 'POST', '/process/execute', { body: { command } })
  assert.equal(status, 200, text)
  return json.result
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** The error body of the API: these five keys, and at most the two for the new error classes. */
export function assertApiError(answer, status, message, path) {
  const text = answer.text ?? ''
  assert.equal(answer.status, status, text)
  assert.match(String(headerOf(answer, 'content-type')), /^application\/json\b/)
  const { json } = answer
  assert.ok(json && typeof json === 'object' && !Array.isArray(json), text)
  const keys = Object.keys(json).sort()
  for (const key of ['error', 'message', 'path', 'statusCode', 'timestamp']) assert.ok(keys.includes(key), `${key} is missing in ${text}`)
  for (const key of keys) assert.ok(['code', 'error', 'message', 'path', 'source', 'statusCode', 'timestamp'].includes(key), `unexpected ${key} in ${text}`)
  assert.equal(json.statusCode, status)
  assert.match(json.timestamp, INSTANT)
  assert.equal(typeof json.message, 'string')
  assert.ok(json.message.length > 0 && json.error.length > 0)
  if (message) assert.match(json.message, message)
  if (path) assert.equal(json.path, path)
  assert.equal(json.source, 'DAYTONA_API')
  assert.match(json.code, /^[A-Z][A-Z0-9_]+$/)
}

/** The error body of the toolbox and of its proxy. */
export function assertToolboxError(answer, status, message) {
  assert.equal(answer.status, status, answer.text)
  assert.match(String(headerOf(answer, 'content-type')), /^application\/json\b/)
  const { json } = answer
  assert.ok(json && typeof json === 'object', answer.text)
  assert.equal(json.statusCode, status)
  assert.equal(typeof json.message, 'string')
  assert.ok(json.message.length > 0)
  assert.equal(typeof json.path, 'string')
  assert.match(json.timestamp, INSTANT)
  assert.match(json.source, /^DAYTONA_(DAEMON|PROXY)$/)
  assert.match(json.code, /^[A-Z][A-Z0-9_]+$/)
  if (message) assert.match(json.message, message)
}

export function headerOf(answer, name) {
  return typeof answer.headers?.get === 'function' ? answer.headers.get(name) : answer.headers?.[name]
}

/** Whatever was done to it, the server still answers. */
export async function assertAlive() {
  const { status, json } = await api('GET', '/health', { key: null })
  assert.equal(status, 200)
  assert.equal(json.status, 'ok')
}
