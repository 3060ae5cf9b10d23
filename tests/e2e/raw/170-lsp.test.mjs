// Language servers: what the SDKs do not send, and the bytes of answers.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { assertToolboxError, run, sandboxes, toolbox } from './setup.mjs'

describe('language servers', () => {
  const { create } = sandboxes('lsp')
  let sandbox
  let dir
  const server = { languageId: 'python', pathToProject: 'p' }
  const post = (path, body) => toolbox(sandbox, 'POST', `/lsp/${path}`, { body })
  const symbols = (uri, more = 'languageId=python&pathToProject=p') => toolbox(sandbox, 'GET', `/lsp/document-symbols?${more}&uri=${uri}`)

  before(async () => {
    sandbox = await create()
    dir = (await run(sandbox, 'pwd')).trim()
    await run(sandbox, "mkdir p; printf 'class Known:\\n    pass\\n' > 'p/a b%41.py'; : > p/empty.py")
    assert.deepEqual([(await post('start', server)).status, (await post('start', server)).text], [200, ''])
  })

  it('refuses languages that it does not know, and names those it knows', async () => {
    assertToolboxError(await post('start', { ...server, languageId: 'cobol' }), 400, /unsupported language: cobol; take one of .*python/)
    assertToolboxError(await post('did-open', { ...server, languageId: 'cobol', uri: 'x' }), 400, /unsupported language: cobol/)
  })

  for (const [languageId, program] of [['go', 'gopls'], ['rust', 'rust-analyzer'], ['cpp', 'clangd'], ['c', 'clangd']]) {
    it(`says that ${languageId} needs ${program}, and how to get it`, async () => {
      assertToolboxError(await post('start', { languageId, pathToProject: 'p' }), 500, new RegExp(`${program} is not in PATH; install it with`))
    })
  }

  const BAD = ['', '{', '[]', '{}', '{"languageId":"python"}', '{"languageId":"","pathToProject":"p"}', '{"languageId":5,"pathToProject":"p"}', '{"languageId":"python","pathToProject":null}']
  for (const body of BAD) {
    it(`start and stop refuse ${body || 'nothing'}`, async () => {
      assertToolboxError(await post('start', body), 400)
      assertToolboxError(await post('stop', body), 400)
    })
  }

  it('takes every form of a document\'s name and gives it back', async () => {
    for (const uri of ['file://p/a b%41.py', 'p/a b%41.py', `file://${dir}/p/a b%41.py`, `file://${dir}/p/a%20b%2541.py`]) {
      const answer = await symbols(encodeURIComponent(uri))
      assert.equal(answer.status, 200, answer.text)
      assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
      assert.deepEqual(answer.json.map(({ name, kind, location }) => [name, kind, location.uri]), [['Known', 5, uri]])
    }
  })

  it('answers an empty list, never null', async () => {
    assert.equal((await symbols('file://p/empty.py')).text, '[]')
    assert.equal((await toolbox(sandbox, 'GET', '/lsp/workspacesymbols?query=zzz&languageId=python&pathToProject=p')).text, '[]')
  })

  it('completes at position 0 and with a context', async () => {
    const ask = (more) => post('completions', { ...server, uri: 'file://p/empty.py', position: { line: 0, character: 0 }, ...more })
    for (const more of [{}, { context: { triggerKind: 1 } }, { context: { triggerKind: 2, triggerCharacter: '.' } }]) {
      const answer = await ask(more)
      assert.equal(answer.status, 200, answer.text)
      assert.deepEqual([typeof answer.json.isIncomplete, Array.isArray(answer.json.items)], ['boolean', true])
    }
    for (const more of [{ position: null }, { position: {} }, { position: { line: 0 } }, { position: { line: '0', character: 0 } }, { position: { line: -1, character: 0 } }, { context: 'x' }])
      assertToolboxError(await ask(more), 400)
  })

  it('refuses a query without its members', async () => {
    for (const path of ['/lsp/document-symbols', '/lsp/document-symbols?languageId=python&pathToProject=p', '/lsp/workspacesymbols?languageId=python&pathToProject=p&query='])
      assertToolboxError(await toolbox(sandbox, 'GET', path), 400, /the query must have/)
  })

  it('has a code of its own for a server that was not started', async () => {
    const answer = await symbols('x', 'languageId=python&pathToProject=other')
    assertToolboxError(answer, 400, /start it first/)
    assert.equal(answer.json.code, 'LSP_SERVER_NOT_INITIALIZED')
  })
})
