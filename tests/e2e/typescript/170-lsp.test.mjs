// Language servers of the default image: python (pylsp) and typescript/javascript (typescript-language-server).
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { eventually } from '../lib/api.mjs'
import { forEachSdk } from './lib/harness.mjs'

const PYTHON = `import helper

class Greeter:
    def greet(self, name):
        return helper.shout("Hello " + name)


greeter = Greeter()
greeter.
`
const TYPESCRIPT = `export class Wave {
  hello(): string { return 'hello' }
}
const wave = new Wave()
wave.
`

forEachSdk('language servers', (t) => {
  let sandbox
  const put = (path, text) => sandbox.fs.uploadFile(Buffer.from(text), path)
  const run = async (command) => (await sandbox.process.executeCommand(command)).result.trim()
  const names = (symbols) => symbols.map(({ name }) => name)
  // The brackets keep the pattern from finding the shell that looks for it.
  const processes = (pattern) => run(`pgrep -fc '${pattern}' || true`).then(Number)

  before(async () => {
    sandbox = await t.create('lsp')
    await run('mkdir -p py/sub ts js')
    await put('py/sample.py', PYTHON)
    await put('py/helper.py', 'def shout(text):\n    return text.upper()\n')
    await put('py/sub/deep.py', 'class GreeterFactory:\n    pass\n')
    await put('ts/wave.ts', TYPESCRIPT)
    await put('js/main.js', 'function calculate(a) { return a }\nconst kept = calculate(1)\n')
  })

  it('python: symbols, completions, the whole life', async () => {
    const server = await sandbox.createLspServer('python', 'py')
    assert.equal(await server.start(), undefined)
    await server.start()
    assert.equal(await processes('[p]ylsp'), 1)
    assert.equal(await server.didOpen('py/sample.py'), undefined)
    const symbols = await server.documentSymbols('py/sample.py')
    assert.ok(names(symbols).includes('Greeter') && names(symbols).includes('greet'), names(symbols).join())
    const greeter = symbols.find(({ name }) => name === 'Greeter')
    assert.deepEqual(Object.keys(greeter).sort(), ['kind', 'location', 'name'])
    assert.equal(greeter.kind, 5)
    assert.equal(greeter.location.uri, 'file://py/sample.py')
    assert.deepEqual(greeter.location.range.start, { line: 2, character: 0 })
    const completions = await server.completions('py/sample.py', { line: 8, character: 8 })
    assert.equal(typeof completions.isIncomplete, 'boolean')
    const greet = completions.items.find(({ label }) => label.startsWith('greet('))
    assert.ok(greet, JSON.stringify(completions.items.slice(0, 5)))
    assert.ok(greet.insertText.startsWith('greet'))
    assert.ok(Array.isArray((await server.completions('py/sample.py', { line: 0, character: 0 })).items))
    assert.equal(await server.didClose('py/sample.py'), undefined)
    assert.equal(await server.stop(), undefined)
    assert.equal(await processes('[p]ylsp'), 0)
  })

  it('python: symbols of the workspace, which its server cannot tell', async () => {
    const server = await sandbox.createLspServer('python', 'py')
    await server.start()
    const found = await server.sandboxSymbols('greeter')
    assert.deepEqual([...new Set(names(found))].sort(), ['Greeter', 'GreeterFactory', 'greeter'])
    assert.equal(found.find(({ name }) => name === 'GreeterFactory').location.uri, 'file://py/sub/deep.py')
    assert.ok(names(await server.workspaceSymbols('Greeter')).includes('Greeter'))
    assert.deepEqual(await server.sandboxSymbols('nobody_is_called_so'), [])
    await server.stop()
  })

  it('sees what changed on disk, also without a word from the client', async () => {
    const server = await sandbox.createLspServer('python', 'py')
    await server.start()
    await put('py/changing.py', 'def first(): pass\n')
    await server.didOpen('py/changing.py')
    assert.deepEqual(names(await server.documentSymbols('py/changing.py')), ['first'])
    await put('py/changing.py', 'def second(): pass\ndef third(): pass\n')
    assert.deepEqual(names(await server.documentSymbols('py/changing.py')), ['second', 'third'])
    await server.stop()
  })

  it('typescript: symbols of documents and of the workspace, completions', async () => {
    const project = `${await sandbox.getWorkDir()}/ts`
    const server = await sandbox.createLspServer('typescript', project)
    await server.start()
    await server.didOpen(`${project}/wave.ts`)
    const symbols = await server.documentSymbols(`${project}/wave.ts`)
    assert.deepEqual(names(symbols).sort(), ['Wave', 'hello', 'wave'])
    assert.equal(symbols[0].location.uri, `file://${project}/wave.ts`)
    const { items } = await server.completions(`${project}/wave.ts`, { line: 4, character: 5 })
    assert.deepEqual(items.map(({ label }) => label), ['hello'])
    assert.ok(names(await server.sandboxSymbols('wave')).includes('Wave'))
    await server.didClose(`${project}/wave.ts`)
    await server.stop()
    assert.equal(await processes('[t]sserver'), 0, 'its own children went too')
  })

  it('javascript: symbols without an open document', async () => {
    const server = await sandbox.createLspServer('javascript', 'js')
    await server.start()
    assert.ok(names(await server.documentSymbols('js/main.js')).includes('calculate'))
    assert.ok(names(await server.sandboxSymbols('calculate')).includes('calculate'))
    await server.stop()
  })

  it('starts again what died, with the documents that were open', async () => {
    const server = await sandbox.createLspServer('python', 'py')
    await server.start()
    await server.didOpen('py/sample.py')
    await run("pkill -9 -f '[p]ylsp'")
    await eventually('the server is gone', async () => (await processes('[p]ylsp')) === 0)
    assert.ok(names(await server.documentSymbols('py/sample.py')).includes('Greeter'))
    await server.stop()
  })

  it('refuses what was not started, what is not there and an empty query', async () => {
    const server = await sandbox.createLspServer('python', 'py')
    for (const call of [() => server.didOpen('py/sample.py'), () => server.documentSymbols('py/sample.py'), () => server.sandboxSymbols('x')])
      await t.rejects(call(), { kind: 'badRequest', status: 400, message: /start it first/ })
    await t.rejects(server.stop(), { kind: 'any', status: 500, message: /was started in py/ })
    await server.start()
    await t.rejects(server.didOpen('py/nowhere.py'), { kind: 'badRequest', status: 400, message: /nowhere\.py: No such file/ })
    await t.rejects(server.sandboxSymbols(''), { kind: 'badRequest', status: 400, message: /query/ })
    await server.stop()
  })
})
