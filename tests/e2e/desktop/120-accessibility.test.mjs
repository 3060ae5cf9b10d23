// The accessibility tree of a program with a window: read, searched, acted on.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { eventually } from '../lib/api.mjs'
import { forEachSdk } from '../typescript/lib/harness.mjs'
import { App, AWAITED } from './lib/app.mjs'

const all = (node) => [node, ...(node.children ?? []).flatMap(all)]

forEachSdk('desktop accessibility', (t) => {
  let app
  let accessibility
  let pid

  /** The one node of the program that the filters find. */
  async function one(filters) {
    let matches
    await eventually(`one node: ${JSON.stringify(filters)}`, async () => {
      ({ matches } = await accessibility.findNodes({ scope: 'pid', pid, ...filters }))
      return matches.length === 1
    }, { seconds: 20 }).catch((error) => {
      throw new Error(`${error.message}; found ${JSON.stringify(matches)}`)
    })
    return matches[0]
  }

  before(async () => {
    const sandbox = await t.create('accessibility')
    await sandbox.computerUse.start()
    ;({ accessibility } = sandbox.computerUse)
    app = await App.start(sandbox)
    ;({ pid } = await app.state())
  })

  it('finds the button where it is', async () => {
    const button = await one({ role: 'push button', name: 'Press' })
    assert.equal(button.name, 'Press me')
    const [x, y, width, height] = (await app.state()).places.button
    assert.deepEqual(button.bounds, { x, y, width, height })
    assert.ok(button.states.includes('enabled') && button.states.includes('showing'), String(button.states))
    assert.ok(button.actions.length > 0)
    assert.equal(button.children, undefined)
  })

  it('presses the button', async () => {
    await app.shows('waiting')
    await accessibility.invokeNode((await one({ role: 'push button' })).id)
    await app.shows('pressed')
  })

  it('sets the text', async () => {
    await accessibility.setNodeValue((await one({ role: 'text', name: 'Text to type' })).id, AWAITED)
    await app.until('the text is there', ({ entry }) => entry === AWAITED)
    await app.shows('awaited')
  })

  it('gives the focus', async () => {
    const entry = await one({ role: 'text', name: 'Text to paste', nameMatch: 'exact' })
    await accessibility.focusNode(entry.id)
    assert.equal((await one({ states: ['focused', 'editable'] })).name, 'Text to paste')
  })

  it('reads the tree of a program, of what has the focus, and of all', async () => {
    const { root } = await accessibility.getTree({ scope: 'pid', pid })
    assert.equal(root.role, 'application')
    const names = all(root).map(({ name }) => name)
    for (const name of ['Desk test', 'Press me', 'Text to type']) assert.ok(names.includes(name), `${name} in ${names}`)
    const shallow = await accessibility.getTree({ scope: 'pid', pid, maxDepth: 0 })
    assert.equal(shallow.root.children?.length ?? 0, 0)
    const focused = await accessibility.getTree()
    assert.ok(all(focused.root).some(({ name }) => name === 'Press me'))
    const everything = await accessibility.getTree({ scope: 'all', maxDepth: 2 })
    assert.ok(all(everything.root).some(({ name }) => name === 'Desk test'))
    assert.ok(all(everything.root).some(({ name }) => /xfce4-panel|xfdesktop/.test(name)))
  })

  it('limits and filters what it finds', async () => {
    const { matches, truncated } = await accessibility.findNodes({ scope: 'pid', pid, limit: 1 })
    assert.deepEqual([matches.length, truncated], [1, true])
    const texts = await accessibility.findNodes({ scope: 'pid', pid, name: '^Text to (type|paste)$', nameMatch: 'regex' })
    assert.equal(texts.matches.length, 2)
  })

  it('says what it cannot do', async () => {
    const button = await one({ role: 'push button' })
    await t.rejects(accessibility.invokeNode(button.id, 'fly'), { kind: 'badRequest', message: /action not supported by node/ })
    await t.rejects(accessibility.invokeNode(`${button.id}9999999`), { kind: 'notFound', message: /accessibility node not found/ })
    await t.rejects(accessibility.getTree({ scope: 'nowhere' }), { kind: 'badRequest', message: /invalid accessibility scope/ })
    await t.rejects(accessibility.getTree({ scope: 'pid', pid: 4_000_000 }), { kind: 'notFound', message: /no accessible root/ })
    await t.rejects(accessibility.findNodes({ scope: 'pid', pid, name: '(', nameMatch: 'regex' }), { kind: 'badRequest', message: /invalid accessibility request/ })
  })
})
