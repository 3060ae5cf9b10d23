// Git on the wire: success codes, empty bodies, shapes, errors; what the Go and Java clients decode.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { before, describe, it } from 'node:test'
import { eventually, unique } from '../lib/api.mjs'
import { assertToolboxError, run, sandboxes, toolbox } from './setup.mjs'

const PORT = 8320
const ADA = { author: 'Ada', email: 'ada@example.com' }
const LOGIN = { username: 'tester', password: 's3cret' }

async function upload(sandbox, path, bytes) {
  const form = new FormData()
  form.append('file', new Blob([bytes]), 'file')
  const answer = await toolbox(sandbox, 'POST', `/files/upload?path=${encodeURIComponent(path)}`, { body: form })
  assert.equal(answer.status, 200, answer.text)
}

describe('git', () => {
  const { create } = sandboxes('git')
  let sandbox
  let commits
  const url = (area = 'private', name = 'sample.git') => `http://127.0.0.1:${PORT}/${area}/${name}`
  const get = (path) => toolbox(sandbox, 'GET', `/git/${path}`)
  const post = (path, body) => toolbox(sandbox, 'POST', `/git/${path}`, { body })
  const clone = async (more = {}) => {
    const path = unique('raw', 'repo')
    const answer = await post('clone', { url: url(), path, ...LOGIN, ...more })
    assert.equal(answer.status, 200, answer.text)
    return path
  }
  /** An answer that is a status and nothing else. */
  const empty = (answer, status) => {
    assert.equal(answer.status, status, answer.text)
    assert.equal(answer.bytes.length, 0)
    if (status !== 204) assert.equal(answer.headers.get('content-length'), '0')
  }

  before(async () => {
    sandbox = await create()
    await upload(sandbox, 'server.py', await readFile(new URL('../../git/server.py', import.meta.url)))
    await upload(sandbox, 'git-server.sh', await readFile(new URL('../lib/git-server.sh', import.meta.url)))
    const session = { sessionId: unique('raw', 'git-server') }
    await toolbox(sandbox, 'POST', '/process/session', { body: session })
    await toolbox(sandbox, 'POST', `/process/session/${session.sessionId}/exec`, { body: { command: `sh git-server.sh ~/served ${PORT}`, runAsync: true } })
    await eventually('the git server answers', async () => (await run(sandbox, `curl -s ${url('open')}/HEAD`)).includes('refs/heads/main'))
    commits = (await run(sandbox, 'cat ~/served/commits')).trim().split('\n')
  })

  it('answers success without a body, with the exact code', async () => {
    const path = unique('raw', 'repo')
    empty(await post('clone', { url: url('open'), path }), 200)
    empty(await post('branches', { path, name: 'b' }), 201)
    empty(await post('checkout', { path, branch: 'main' }), 200)
    empty(await toolbox(sandbox, 'DELETE', '/git/branches', { body: { path, name: 'b' } }), 204)
    await run(sandbox, `echo 1 > ${path}/new`)
    empty(await post('add', { path, files: ['new'] }), 200)
    const committed = await post('commit', { path, message: 'm', ...ADA })
    assert.equal(committed.status, 200)
    assert.deepEqual(Object.keys(committed.json), ['hash'])
    assert.match(committed.headers.get('content-type'), /^application\/json/)
    empty(await post('push', { path: await clone(), ...LOGIN }), 200)
    empty(await post('pull', { path, ...LOGIN }), 200)
    empty(await post('init', { path: `${path}-init` }), 201)
    empty(await post('reset', { path, mode: 'hard', target: 'HEAD~1' }), 200)
    empty(await post('restore', { path, files: ['.'] }), 200)
    empty(await post('remotes', { path, name: 'other', url: 'https://example.com/x' }), 201)
    empty(await post('config', { key: 'raw.test', value: '1', scope: 'local', path }), 200)
    empty(await post('config/user', { name: 'A', email: 'a@b', scope: 'local', path }), 200)
    empty(await post('credentials', { username: 'u', password: 'p', host: 'example.com' }), 200)
  })

  it('tells history: all ancestors of HEAD, the newest first', async () => {
    const path = await clone()
    const { status, json } = await get(`history?path=${path}`)
    assert.equal(status, 200)
    assert.deepEqual(json.map((commit) => commit.hash), [commits[1], commits[0]])
    for (const commit of json) {
      assert.deepEqual(Object.keys(commit).sort(), ['author', 'email', 'hash', 'message', 'timestamp'])
      assert.ok(!Number.isNaN(Date.parse(commit.timestamp)), commit.timestamp)
    }
    assert.deepEqual([json[0].author, json[0].email, json[0].message], ['Grace', 'grace@example.com', 'second\n'])
    assert.equal((await post('init', { path: `${path}-empty` })).status, 201)
    assertToolboxError(await get(`history?path=${path}-empty`), 404)
  })

  it('sends every key with its type and never null', async () => {
    const path = await clone()
    await run(sandbox, `echo 1 > ${path}/new`)
    const status = (await get(`status?path=${path}`)).json
    assert.deepEqual(status, {
      currentBranch: 'main', ahead: 0, behind: 0, branchPublished: true, detached: false, upstream: 'origin/main',
      fileStatus: [{ name: 'new', extra: '', staging: 'Untracked', worktree: 'Untracked' }],
    })
    assert.deepEqual((await get(`branches?path=${path}`)).json, { branches: ['main'], current: 'main' })
    assert.deepEqual((await get(`remotes?path=${path}`)).json, { remotes: [{ name: 'origin', url: url() }] })
    assert.deepEqual((await get('config?key=raw.none')).json, {})
    await post('init', { path: `${path}-empty` })
    assert.deepEqual((await get(`branches?path=${path}-empty`)).json.branches, [])
    assert.deepEqual((await get(`remotes?path=${path}-empty`)).json.remotes, [])
  })

  it('tells errors in the shape of the toolbox, with codes', async () => {
    const path = await clone()
    const error = async (answer, status, code) => {
      const got = await answer
      assertToolboxError(got, status)
      assert.equal(got.json.code, code, got.text)
      assert.equal(got.json.source, 'DAYTONA_DAEMON')
    }
    await error(get('status'), 400, 'BAD_REQUEST')
    await error(get('status?path=nowhere'), 404, 'GIT_REPO_NOT_FOUND')
    await error(post('clone', { url: url(), path: `${path}-2` }), 401, 'GIT_AUTH_FAILED')
    await error(post('clone', { url: url('private', 'nope.git'), path: `${path}-2`, ...LOGIN }), 404, 'GIT_REPO_NOT_FOUND')
    await error(post('clone', { url: url(), path: `${path}-2`, branch: 'nope', ...LOGIN }), 404, 'GIT_BRANCH_NOT_FOUND')
    await error(post('clone', { url: url('forbidden'), path: `${path}-2`, ...LOGIN }), 403, 'FORBIDDEN')
    await error(post('branches', { path, name: 'main' }), 409, 'GIT_BRANCH_EXISTS')
    await error(post('add', { path }), 400, 'INVALID_REQUEST_BODY')
    await error(post('commit', { path, message: 'm' }), 400, 'INVALID_REQUEST_BODY')
    await error(post('commit', 'no json'), 400, 'INVALID_REQUEST_BODY')
    await error(post('reset', { path, mode: 'sideways' }), 400, 'BAD_REQUEST')
  })

  it('ignores unknown fields and the case of names', async () => {
    const path = unique('raw', 'repo')
    empty(await post('clone', { URL: url('open'), Path: path, future: { a: 1 } }), 200)
    empty(await post('checkout', { PATH: path, Branch: commits[0], extra: null }), 200)
  })

  it('takes the deletion of a branch as Go and Java send it', async () => {
    const path = await clone()
    for (const [name, body] of [['go', { path, name: 'go', force: true }], ['java', { path, name: 'java' }]]) {
      empty(await post('branches', { path, name }), 201)
      empty(await post('checkout', { path, branch: 'main' }), 200)
      const answer = await toolbox(sandbox, 'DELETE', '/git/branches', { body, headers: { 'x-daytona-source': `sdk-${name}`, 'x-daytona-sdk-version': '0.205.1' } })
      empty(answer, 204)
    }
    assert.deepEqual((await get(`branches?path=${path}`)).json.branches, ['main'])
  })

  it('goes on when the client goes away', async () => {
    const path = unique('raw', 'repo')
    const stop = new AbortController()
    const asked = fetch(`${sandbox.toolboxProxyUrl}/${sandbox.id}/git/clone`, {
      method: 'POST', signal: stop.signal, body: JSON.stringify({ url: url('held'), path, ...LOGIN }),
      headers: { authorization: `Bearer ${process.env.DAYTONA_API_KEY}`, 'content-type': 'application/json' },
    }).catch(() => 'aborted')
    await eventually('the exchange has begun', async () => (await run(sandbox, 'grep -c "POST.*held" ~/served/requests.log || true')) !== '0\n')
    stop.abort()
    assert.equal(await asked, 'aborted')
    await run(sandbox, 'touch ~/served/release')
    await eventually('the clone is whole', async () => (await get(`status?path=${path}`)).status === 200)
    assert.equal(await run(sandbox, `git -C ${path} rev-parse HEAD`), `${commits[1]}\n`)
    assert.equal(await run(sandbox, `git -C ${path} status --porcelain`), '')
  })
})
