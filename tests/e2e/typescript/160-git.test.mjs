// Every method of sandbox.git, against a git server inside the sandbox.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { before, it } from 'node:test'
import { eventually, unique } from '../lib/api.mjs'
import { forEachSdk } from './lib/harness.mjs'
import { GitServer } from './lib/git.mjs'
import { openSession } from './lib/session.mjs'

const ADA = ['Ada Lovelace', 'ada@example.com']
const SSHD = '/usr/sbin/sshd'

forEachSdk('git', (t) => {
  let sandbox
  let git
  let server
  let first
  let second
  let third
  const modern = { skip: t.sdk.modern ? false : 'not in this generation' }
  const run = (command) => server.run(command)
  const real = async (path, words) => (await run(`git -C ${path} ${words}`)).trim()
  /** [name, staging, worktree] of what differs, sorted by name. */
  const files = async (path) => (await git.status(path)).fileStatus.map((f) => [f.name, f.staging, f.worktree]).sort(([a], [b]) => (a < b ? -1 : 1))

  before(async () => {
    sandbox = await t.create('git')
    git = sandbox.git
    server = await GitServer.start(sandbox)
    ;[first, second, third] = server.commits
  })

  /** A clone that one test has for itself; `server.password` is known to its remote. */
  const cloned = async (test) => {
    const path = unique('repo', test)
    await git.clone(server.url(), path, undefined, undefined, server.user, server.password)
    return path
  }

  /** The same with a repository of its own on the server. */
  const pushable = async (test) => {
    const name = await server.own(unique('bare', test))
    const path = unique('repo', test)
    await git.clone(server.url(name), path, undefined, undefined, server.user, server.password)
    return [path, name]
  }

  const commit = async (path, name = 'mine.txt', text = 'mine\n') => {
    await sandbox.fs.uploadFile(Buffer.from(text), `${path}/${name}`)
    await git.add(path, [name])
    return (await git.commit(path, `add ${name}`, ...ADA)).sha
  }

  it('clones the branch that the server calls its own', async () => {
    const path = await cloned('clone')
    assert.equal(await real(path, 'rev-parse HEAD'), second)
    assert.equal(await run(`cat ${path}/src/one.txt`), '1\n2\n')
    assert.equal(await real(path, 'branch -r --list "*feature*"'), '')
    const status = await git.status(path)
    assert.deepEqual([status.currentBranch, status.fileStatus, status.branchPublished, status.ahead, status.behind], ['main', [], true, 0, 0])
    assert.deepEqual((await git.branches(path)).branches, ['main'])
    assert.equal(await real(path, 'fsck --strict'), '')
    await run(`test "$(stat -c %U ${path}/README.md)" = "$(id -un)"`)
  })

  it('clones a branch, and a commit detached', async () => {
    const branch = unique('repo', 'branch')
    await git.clone(server.url('sample.git', 'open'), branch, 'feature/x')
    assert.equal((await git.status(branch)).currentBranch, 'feature/x')
    assert.equal(await real(branch, 'rev-parse HEAD'), third)
    const commitId = unique('repo', 'commit')
    await git.clone(server.url('sample.git', 'open'), commitId, undefined, first)
    assert.equal((await git.status(commitId)).currentBranch, 'HEAD')
    assert.equal(await real(commitId, 'rev-parse HEAD'), first)
  })

  it('clones with a depth', modern, async () => {
    const path = unique('repo', 'depth')
    await git.clone(server.url('sample.git', 'open'), path, undefined, undefined, undefined, undefined, undefined, 1)
    assert.equal(await real(path, 'rev-list --count HEAD'), '1')
  })

  it('tells what it could not clone', async () => {
    const path = await cloned('refused')
    const fresh = unique('repo', 'refused')
    const attempt = (url, where = fresh, branch = undefined, commitId = undefined, password = server.password) =>
      git.clone(url, where, branch, commitId, server.user, password)
    await t.rejects(attempt(server.url(), path), { kind: 'conflict', status: 409, message: /already exists/ })
    await t.rejects(attempt(server.url(), fresh, 'nope'), { kind: 'gitBranchNotFound', status: 404, message: /nope/ })
    await t.rejects(attempt(server.url(), fresh, undefined, third), { kind: 'notFound', status: 404 })
    await t.rejects(attempt(server.url('nope.git')), { kind: 'gitRepoNotFound', status: 404 })
    await t.rejects(attempt(server.url(), fresh, undefined, undefined, 'wrong'), { kind: 'gitAuthFailed', status: 401 })
    await t.rejects(git.clone(server.url(), fresh), { kind: 'gitAuthFailed', status: 401 })
    await t.rejects(attempt(server.url('sample.git', 'forbidden')), { kind: 'forbidden', status: 403 })
    await t.rejects(attempt('http://127.0.0.1:1/x.git'), { kind: 'gitTransportFailed', status: 502 })
    assert.equal(await run(`test -e ${fresh} || echo nothing`), 'nothing\n')
  })

  it('sends nothing to a server whose certificate fails, unless told so', async () => {
    const path = unique('repo', 'tls')
    const credentials = [undefined, undefined, server.user, server.password]
    const requests = () => run(`cat ${server.root}/secure.log 2>/dev/null | grep -c s3cret || true`)
    assert.equal(await requests(), '0\n')
    await t.rejects(git.clone(server.secureUrl(), path, ...credentials), { kind: 'gitTransportFailed', status: 502, message: /certificate/i })
    assert.equal(await requests(), '0\n')
    await git.clone(server.secureUrl(), path, ...credentials, true)
    assert.equal(await real(path, 'rev-parse HEAD'), second)
    await run(`rm ${server.root}/secure.log`)
  })

  it('keeps a password out of processes and files', async () => {
    const path = unique('repo', 'secret')
    const before = Number(await run(`grep -c POST ${server.root}/requests.log || true`))
    const cloning = git.clone(server.url('sample.git', 'held'), path, undefined, undefined, server.user, server.password)
    cloning.catch(() => {})
    try {
      await eventually('the exchange has begun', async () => Number(await run(`grep -c POST ${server.root}/requests.log || true`)) > before)
      // A pattern, so that this command itself does not have the word.
      const found = await run(`cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | grep -ac 's3[c]ret' || true`)
      assert.equal(found, '0\n')
    } finally {
      await run(`touch ${server.root}/release`)
    }
    await cloning
    await run(`rm ${server.root}/release`)
    assert.equal(await run(`grep -rac 's3[c]ret' ${path}/.git ~/.git-credentials ~/.gitconfig 2>/dev/null | grep -v ':0$' || true`), '')
  })

  it('shows every state of a file', async () => {
    const path = await cloned('status')
    await run(`cd ${path} && for f in changed changed-staged again deleted deleted-staged; do echo 1 > $f; done && git add . && git -c user.name=a -c user.email=b commit -q -m m
      echo 2 > changed; echo 2 > changed-staged; echo 2 > again; git rm -q deleted-staged; git add changed-staged again; rm deleted; echo 3 > again
      echo 1 > new; echo 1 > 'new staged "ü"'; git add new\\ staged*`)
    assert.deepEqual(await files(path), [
      ['again', 'Modified', 'Modified'],
      ['changed', 'Unmodified', 'Modified'],
      ['changed-staged', 'Modified', 'Unmodified'],
      ['deleted', 'Unmodified', 'Deleted'],
      ['deleted-staged', 'Deleted', 'Unmodified'],
      ['new', 'Untracked', 'Untracked'],
      ['new staged "ü"', 'Added', 'Unmodified'],
    ])
    const status = await git.status(path)
    assert.deepEqual([status.ahead, status.behind], [1, 0])
    assert.ok(status.fileStatus.every((file) => file.extra === ''))
    await t.rejects(git.status('no/such/repository'), { kind: 'gitRepoNotFound', status: 404 })
  })

  it('tells of upstream and detached heads', modern, async () => {
    const path = await cloned('upstream')
    const status = await git.status(path)
    assert.deepEqual([status.detached, status.upstream], [false, 'origin/main'])
    assert.equal((await git.branches(path)).current, 'main')
    await git.checkoutBranch(path, first)
    assert.equal((await git.status(path)).detached, true)
  })

  it('makes, checks out and deletes branches', async () => {
    const path = await cloned('branches')
    await git.createBranch(path, 'topic/one')
    assert.equal((await git.status(path)).currentBranch, 'topic/one')
    assert.deepEqual((await git.branches(path)).branches.sort(), ['main', 'topic/one'])
    await git.checkoutBranch(path, 'main')
    assert.equal((await git.status(path)).currentBranch, 'main')
    await git.deleteBranch(path, 'topic/one')
    assert.deepEqual((await git.branches(path)).branches, ['main'])
    await t.rejects(git.createBranch(path, 'main'), { kind: 'gitBranchExists', status: 409 })
    await t.rejects(git.checkoutBranch(path, 'nope'), { kind: 'gitBranchNotFound', status: 404 })
    await run(`git -C ${path} branch old ${first} && echo mine > ${path}/src/one.txt`)
    await t.rejects(git.checkoutBranch(path, 'old'), { kind: 'gitDirtyWorktree', status: 409 })
    assert.equal(await run(`cat ${path}/src/one.txt`), 'mine\n')
  })

  it('stages files, directories, everything and deletions', async () => {
    const path = await cloned('add')
    await run(`cd ${path} && mkdir -p d/e && echo 1 > d/e/a && echo 1 > d/b && echo 1 > 'with space' && rm README.md && echo '*.log' > .gitignore && echo 1 > x.log`)
    await git.add(path, ['d', 'README.md', 'x.log'])
    assert.deepEqual(await files(path), [
      ['.gitignore', 'Untracked', 'Untracked'],
      ['README.md', 'Deleted', 'Unmodified'],
      ['d/b', 'Added', 'Unmodified'],
      ['d/e/a', 'Added', 'Unmodified'],
      ['with space', 'Untracked', 'Untracked'],
      ['x.log', 'Added', 'Unmodified'],
    ])
    await git.add(path, ['.'])
    assert.ok((await files(path)).every(([, , worktree]) => worktree === 'Unmodified'))
    await t.rejects(git.add(path, ['not-there']), { kind: 'any', message: /not-there|entry not found/ })
  })

  it('commits with author and message', async () => {
    const path = await cloned('commit')
    const sha = await commit(path, 'ü file.txt')
    assert.match(sha, /^[0-9a-f]{40}$/)
    assert.equal(await real(path, 'rev-parse HEAD'), sha)
    assert.equal(await real(path, `log -1 --format='%an|%ae|%cn|%s|%P'`), `Ada Lovelace|ada@example.com|Ada Lovelace|add ü file.txt|${second}`)
    assert.deepEqual(await files(path), [])
    await t.rejects(git.commit(path, 'nothing', ...ADA), { kind: 'any', message: /clean working tree/ })
    const empty = await git.commit(path, 'nothing', ...ADA, true)
    assert.equal(await real(path, 'rev-parse HEAD'), empty.sha)
  })

  it('pushes', async () => {
    const [path, name] = await pushable('push')
    await git.push(path, server.user, server.password) // up to date
    const sha = await commit(path)
    await t.rejects(git.push(path), { kind: 'gitAuthFailed', status: 401 })
    await t.rejects(git.push(path, server.user, 'wrong'), { kind: 'gitAuthFailed', status: 401 })
    assert.equal(await server.head(name), second)
    await git.push(path, server.user, server.password)
    assert.equal(await server.head(name), sha)
    await git.createBranch(path, 'topic/new')
    const other = await commit(path, 'other.txt')
    await git.push(path, server.user, server.password)
    assert.equal(await server.head(name, 'topic/new'), other)
    assert.equal((await git.status(path)).branchPublished, false)
    assert.equal(await run(`grep -c s3cret ${path}/.git/config || true`), '0\n')
  })

  it('does not push over the work of others', async () => {
    const [path, name] = await pushable('rejected')
    const theirs = await server.colleague(name)
    await commit(path)
    await t.rejects(git.push(path, server.user, server.password), { kind: 'gitPushRejected', status: 409 })
    assert.equal(await server.head(name), theirs)
    await run(`printf '#!/bin/sh\\nexit 1\\n' > ${server.root}/${name}/hooks/pre-receive && chmod +x ${server.root}/${name}/hooks/pre-receive`)
    await git.createBranch(path, 'fresh')
    await t.rejects(git.push(path, server.user, server.password), { kind: 'gitRemoteRejected', status: 422 })
  })

  it('pushes another branch, to another remote, with an upstream', modern, async () => {
    const [path, name] = await pushable('options')
    await git.createBranch(path, 'topic')
    const sha = await commit(path)
    await git.push(path, server.user, server.password, undefined, undefined, true)
    assert.deepEqual([(await git.status(path)).branchPublished, (await git.status(path)).upstream], [true, 'origin/topic'])
    const second = await server.own(unique('bare', 'second'))
    await git.remoteAdd(path, 'second', server.url(second))
    await git.checkoutBranch(path, 'main')
    await git.push(path, server.user, server.password, 'topic', 'second')
    assert.equal(await server.head(second, 'topic'), sha)
    assert.equal(await server.head(name, 'main'), server.commits[1])
    await t.rejects(git.push(path, server.user, server.password, 'nope'), { kind: 'notFound', status: 404 })
  })

  it('pulls what can be forwarded', async () => {
    const [path, name] = await pushable('pull')
    await git.pull(path, server.user, server.password) // up to date
    const theirs = await server.colleague(name)
    await t.rejects(git.pull(path), { kind: 'gitAuthFailed', status: 401 })
    await git.pull(path, server.user, server.password)
    assert.equal(await real(path, 'rev-parse HEAD'), theirs)
    assert.equal(await run(`cat ${path}/theirs.txt`), 'theirs\n')
    await server.colleague(name, 'README.md')
    await run(`echo mine > ${path}/README.md`)
    await t.rejects(git.pull(path, server.user, server.password), { kind: 'gitDirtyWorktree', status: 409 })
    assert.equal(await run(`cat ${path}/README.md`), 'mine\n')
    await run(`git -C ${path} checkout -q README.md`)
    const mine = await commit(path)
    await t.rejects(git.pull(path, server.user, server.password), { kind: 'conflict', status: 409, message: /fast-forward/ })
    assert.equal(await real(path, 'rev-parse HEAD'), mine)
  })

  it('pulls the counterpart of the current branch', async () => {
    const name = await server.own(unique('bare', 'counterpart'))
    const path = unique('repo', 'counterpart')
    await git.clone(server.url(name), path, 'feature/x', undefined, server.user, server.password)
    const theirs = await server.colleague(name, 'on-branch', 'feature/x')
    await server.colleague(name, 'on-main')
    await git.pull(path, server.user, server.password)
    assert.equal(await real(path, 'rev-parse HEAD'), theirs)
    assert.equal(await run(`ls ${path}`), 'README.md\nfeature.txt\non-branch\nsrc\n')
  })

  it('pulls a branch of a remote by name', modern, async () => {
    const [path] = await pushable('pull-options')
    await run(`git -C ${path} remote rename origin other`)
    await git.pull(path, server.user, server.password, 'feature/x', 'other')
    assert.equal(await real(path, 'rev-parse HEAD'), third)
    await t.rejects(git.pull(path, server.user, server.password, 'nope', 'other'), { kind: 'notFound', status: 404 })
  })

  it('begins repositories', modern, async () => {
    const path = unique('repo', 'init')
    await git.init(path, false, 'trunk')
    const sha = await commit(path)
    assert.equal(await real(path, 'rev-parse trunk'), sha)
    const bare = unique('repo', 'bare')
    await git.init(bare, true)
    assert.equal(await real(bare, 'rev-parse --is-bare-repository'), 'true')
    await real(path, `push -q ../${bare} trunk`)
  })

  it('resets in every mode', modern, async () => {
    for (const [mode, expected] of [
      ['soft', ['M  src/one.txt']],
      ['mixed', [' M src/one.txt']],
      [undefined, [' M src/one.txt']],
      ['hard', []],
      ['merge', []],
      ['keep', []],
    ]) {
      const path = await cloned(`reset-${mode}`)
      await git.reset(path, mode, 'HEAD~1')
      assert.equal(await real(path, 'rev-parse HEAD'), first)
      assert.deepEqual((await run(`git -C ${path} status --porcelain`)).split('\n').slice(0, -1), expected, mode)
    }
    const path = await cloned('reset-paths')
    await run(`cd ${path} && echo 1 > a && echo 1 > b && git add a b`)
    await git.reset(path, undefined, undefined, ['a'])
    assert.deepEqual(await files(path), [['a', 'Untracked', 'Untracked'], ['b', 'Added', 'Unmodified']])
    await t.rejects(git.reset(path, 'sideways'), { kind: 'badRequest', status: 400 })
    await t.rejects(git.reset(path, 'hard', 'nope'), { kind: 'notFound', status: 404 })
  })

  it('restores files', modern, async () => {
    const path = await cloned('restore')
    await run(`cd ${path} && echo staged > README.md && git add . && echo changed > README.md && rm src/one.txt`)
    await git.restore(path, ['README.md', 'src/one.txt'])
    assert.equal(await run(`cat ${path}/README.md ${path}/src/one.txt`), 'staged\n1\n2\n')
    await git.restore(path, ['README.md'], true)
    assert.deepEqual(await files(path), [['README.md', 'Unmodified', 'Modified']])
    await git.restore(path, ['.'], true, true)
    assert.deepEqual(await files(path), [])
    await git.restore(path, ['src/one.txt'], false, true, 'HEAD~1')
    assert.equal(await run(`cat ${path}/src/one.txt`), '1\n')
  })

  it('manages remotes', modern, async () => {
    const path = await cloned('remotes')
    assert.deepEqual((await git.remotes(path)).remotes, [{ name: 'origin', url: server.url() }])
    await git.remoteAdd(path, 'open', server.url('sample.git', 'open'), true)
    assert.equal(await real(path, 'rev-parse open/feature/x'), third)
    await t.rejects(git.remoteAdd(path, 'open', 'https://example.com/x'), { kind: 'conflict', status: 409 })
    await git.remoteAdd(path, 'open', 'https://example.com/x', false, true)
    assert.equal(await git.remoteGet(path, 'open'), 'https://example.com/x')
    assert.equal(await git.remoteGet(path, 'none'), undefined)
  })

  it('reads and writes settings', modern, async () => {
    const path = await cloned('config')
    await git.setConfig('e2e.value', 'with "quotes" and ü')
    assert.equal(await git.getConfig('e2e.value'), 'with "quotes" and ü')
    assert.equal(await run('git config --global e2e.value'), 'with "quotes" and ü\n')
    assert.equal(await git.getConfig('e2e.never'), undefined)
    await git.setConfig('e2e.value', 'local', 'local', path)
    assert.equal(await git.getConfig('e2e.value', 'local', path), 'local')
    assert.equal(await git.getConfig('e2e.value', 'global'), 'with "quotes" and ü')
    await t.rejects(git.setConfig('e2e.value', 'x', 'local'), { kind: 'badRequest', status: 400 })
    await t.rejects(git.setConfig('e2e.value', 'x', 'everywhere'), { kind: 'badRequest', status: 400 })
    // The system's file belongs to root, commands run as another user.
    await t.rejects(git.setConfig('e2e.value', 'x', 'system'), { kind: 'any', message: /\/etc\/gitconfig|[Pp]ermission/ })
    await run('sudo git config --system e2e.value everyone')
    assert.equal(await git.getConfig('e2e.value', 'system'), 'everyone')
    await git.configureUser('Ada', 'ada@example.com')
    assert.equal(await run('git config --global user.name; git config --global user.email'), 'Ada\nada@example.com\n')
    await git.configureUser('Local', 'l@example.com', 'local', path)
    assert.equal(await real(path, 'config user.name'), 'Local')
  })

  it('uses credentials that were stored', modern, async () => {
    const host = `127.0.0.1:${server.port}`
    try {
      await git.dangerouslyAuthenticate(server.user, server.password, host, 'http')
      const path = unique('repo', 'stored')
      await git.clone(server.url(), path)
      assert.equal(await real(path, 'rev-parse HEAD'), second)
      await git.pull(path)
      await run(`git clone -q ${server.url()} ${path}-by-git`)
      assert.equal(await run('stat -c %a ~/.git-credentials'), '600\n')
      await git.dangerouslyAuthenticate('me', 'token')
      assert.match(await run('cat ~/.git-credentials'), /^https:\/\/me:token@github\.com$/m)
    } finally {
      await run('rm -f ~/.git-credentials; git config --global --unset-all credential.helper || true')
    }
  })

  it('clones, pushes and pulls over ssh with the key of the user', { skip: existsSync(SSHD) ? false : 'openssh-server is not here' }, async () => {
    const ssh = await sshServer(sandbox, run)
    const name = await server.own(unique('bare', 'ssh'))
    const url = `ssh://daytona@127.0.0.1:${ssh.port}${server.root}/${name}`
    const path = unique('repo', 'ssh')
    await t.rejects(git.clone(url, path), { kind: 'gitAuthFailed', status: 401 })
    for (const [kind, file] of [['rsa -b 3072', 'id_rsa'], ['ed25519', 'id_ed25519']]) {
      await run(`rm -f ~/.ssh/id_*; ssh-keygen -q -t ${kind} -N '' -f ~/.ssh/${file} && cp ~/.ssh/${file}.pub ${ssh.dir}/authorized`)
      await git.clone(url, `${path}-${file}`)
      assert.equal(await real(`${path}-${file}`, 'rev-parse HEAD'), await server.head(name))
      const sha = await commit(`${path}-${file}`, `${file}.txt`)
      await git.push(`${path}-${file}`)
      assert.equal(await server.head(name), sha)
    }
    await git.pull(`${path}-id_rsa`)
    assert.equal(await real(`${path}-id_rsa`, 'rev-parse HEAD'), await server.head(name))
    await run(`ssh-keygen -q -t ed25519 -N '' -f ${ssh.dir}/other && printf '[127.0.0.1]:%s %s\\n' ${ssh.port} "$(cut -d' ' -f1,2 ${ssh.dir}/other.pub)" > ~/.ssh/known_hosts`)
    await t.rejects(git.clone(url, `${path}-imposter`), { kind: 'gitTransportFailed', status: 502, message: /host key/i })
    await run('rm -rf ~/.ssh')
  })
})

/** OpenSSH's server in the sandbox, for which the image has only the client: this machine's, with the libraries that are missing there. */
async function sshServer(sandbox, run) {
  const dir = `/tmp/${unique('sshd', 'git')}`
  const port = 8390
  await run(`mkdir -p ${dir} ~/.ssh && chmod 700 ~/.ssh && touch ${dir}/authorized && ssh-keygen -q -t ed25519 -N '' -f ${dir}/host_key`)
  await sandbox.fs.uploadFile(await readFile(SSHD), `${dir}/sshd`)
  const libraries = [...execFileSync('ldd', [SSHD], { encoding: 'utf8' }).matchAll(/=> (\S+)/g)].map(([, path]) => path)
  const missing = (await run(`for f in ${libraries.join(' ')}; do test -e $f || echo $f; done`)).split('\n').filter(Boolean)
  for (const path of missing) await sandbox.fs.uploadFile(await readFile(path), `${dir}/${path.split('/').at(-1)}`)
  await sandbox.fs.uploadFile(Buffer.from(`Port ${port}\nListenAddress 127.0.0.1\nHostKey ${dir}/host_key\nAuthorizedKeysFile ${dir}/authorized\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n`), `${dir}/config`)
  const { start } = await openSession(sandbox, 'sshd')
  await start(`chmod +x ${dir}/sshd && LD_LIBRARY_PATH=${dir} exec ${dir}/sshd -D -e -f ${dir}/config`)
  await eventually('the ssh server listens', async () => (await run(`ssh-keyscan -p ${port} 127.0.0.1 2>/dev/null > ~/.ssh/known_hosts; grep -c ed25519 ~/.ssh/known_hosts || true`)) !== '0\n')
  return { dir, port }
}
