// Runs every group of tests once per SDK package and cleans up what the group made.
import assert from 'node:assert/strict'
import { after, describe } from 'node:test'
import { inspect } from 'node:util'
import { apiKey, apiUrl, discard, eventually, runLabels, unique } from '../../lib/api.mjs'
import { errorClass, sdks } from './sdk.mjs'

class Context {
  #clients = []
  #sandboxes = new Set()

  constructor(sdk) {
    this.sdk = sdk
    this.label = sdk.name.slice(1).replace('/sdk', '')
  }

  /** A client of its own; the endpoint is passed, because a `.env` file beside the tests makes the variable ambiguous. */
  client(config = {}) {
    const daytona = new this.sdk.module.Daytona({ apiUrl, apiKey, ...config })
    this.#clients.push(daytona)
    return daytona
  }

  get daytona() {
    this.shared ??= this.client()
    return this.shared
  }

  name(test) {
    return unique(`ts-${this.label}`, test)
  }

  track(idOrName) {
    this.#sandboxes.add(idOrName)
  }

  /** Creates a sandbox that is deleted at the end of the group, also when the creation itself goes wrong half way. */
  async create(test, params = {}, options) {
    const name = params.name ?? this.name(test)
    this.track(name)
    const sandbox = await this.daytona.create({ ...params, name, labels: { ...runLabels, ...params.labels } }, options)
    this.track(sandbox.id)
    return sandbox
  }

  /** The rejection of `promise`, checked for class, status, text and, in the modern generation, machine-readable origin. */
  async rejects(promise, { kind, status, message }) {
    const expected = errorClass(this.sdk, kind)
    const error = await promise.then(
      (value) => assert.fail(`expected ${expected.name}, got a result: ${inspect(value, { depth: 1 }).slice(0, 200)}`),
      (reason) => reason,
    )
    assert.ok(error instanceof expected, `expected ${expected.name}, got ${error?.constructor?.name}: ${error?.message}`)
    assert.ok(error instanceof this.sdk.module.DaytonaError)
    assert.ok(typeof error.message === 'string' && error.message.length > 0)
    if (message) assert.match(error.message, message)
    if (status) {
      assert.equal(error.statusCode, status, error.message)
      if (this.sdk.modern) {
        assert.match(String(error.source), /^DAYTONA_(API|DAEMON|PROXY)$/)
        assert.match(String(error.code), /^[A-Z][A-Z0-9_]+$/)
      }
    }
    return error
  }

  /**
   * The state that a call promised. The object also follows events, and one that tells of a step on the way may arrive after the
   * answer and show for a moment; the last event settles it. Not always: an answer to the SDK's own GET that left before the last
   * event and is read after it (two sockets, no order between them) stays, until somebody asks again.
   */
  async reaches(sandbox, state) {
    await eventually(`the sandbox object shows ${state}, not ${sandbox.state}`, async () => {
      if (sandbox.state !== state) await sandbox.refreshData()
      return sandbox.state === state
    }, { seconds: 10 })
  }

  async close() {
    const failures = []
    for (const result of await Promise.allSettled([...this.#sandboxes].map(discard))) {
      if (result.status === 'rejected') failures.push(result.reason)
    }
    for (const daytona of this.#clients) await daytona[Symbol.asyncDispose]?.()
    if (failures.length) throw new AggregateError(failures, 'tear-down failed')
  }
}

export function forEachSdk(title, body) {
  for (const sdk of sdks) {
    describe(`${title} [${sdk.name} ${sdk.version}]`, () => {
      const context = new Context(sdk)
      after(() => context.close())
      body(context)
    })
  }
}

export function isIsoInstant(text) {
  return typeof text === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)
}

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
