// Plain HTTP access to the server under test, for set-up, tear-down and for what the SDK has no method for.
import { randomBytes } from 'node:crypto'

function required(name) {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: start the tests with tests/e2e/run`)
  return value
}

export const apiUrl = required('DAYTONA_API_URL').replace(/\/+$/, '')
export const apiKey = required('DAYTONA_API_KEY')

/** On every sandbox of the suites, so that `run` can tell what this run of it left behind. */
export const runLabels = { 'e2e-run': process.env.E2E_RUN ?? 'by-hand' }

/** A name that tells which test left it behind, should it ever be left behind. */
export function unique(suite, test) {
  return `e2e-${suite}-${test}-${randomBytes(5).toString('hex')}`
}

export async function api(method, path, { body, key = apiKey, headers = {} } = {}) {
  const response = await fetch(`${apiUrl}${path}`, {
    method,
    headers: {
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(60_000), // a server that does not answer fails the case, not the run
  })
  const text = await response.text()
  let json
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  return { status: response.status, headers: response.headers, text, json }
}

/**
 * Waits for a condition that the contract allows to come true later (a deletion, an event). Not for races: every use names
 * what it waits for, and a condition that never comes is a failure.
 */
export async function eventually(what, condition, { seconds = 60 } = {}) {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > deadline) throw new Error(`did not happen within ${seconds} s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Deletes a sandbox whatever its state; a sandbox that is already going is left to go. */
export async function discard(idOrName) {
  const path = `/sandbox/${encodeURIComponent(idOrName)}`
  await eventually(`sandbox ${idOrName} accepts its deletion`, async () => {
    const { status, text } = await api('DELETE', path)
    if (status === 200 || status === 404) return true
    if (status !== 409) throw new Error(`DELETE ${path} answered ${status}: ${text}`)
    const { json } = await api('GET', path)
    return json?.desiredState === 'destroyed'
  })
}

export async function gone(idOrName) {
  await eventually(`sandbox ${idOrName} is gone`, async () => {
    return (await api('GET', `/sandbox/${encodeURIComponent(idOrName)}`)).status === 404
  })
}
