// A git server inside a sandbox: tests/git/server.py beside the repository that tests/e2e/lib/git-server.sh makes.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../lib/api.mjs'
import { openSession } from './session.mjs'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))

export class GitServer {
  user = 'tester'
  password = 's3cret'

  static async start(sandbox, port = 8300) {
    const server = new GitServer()
    server.sandbox = sandbox
    server.port = port
    server.root = `${await sandbox.getWorkDir()}/served`
    await sandbox.fs.uploadFile(await readFile(at('../../../git/server.py')), 'server.py')
    await sandbox.fs.uploadFile(await readFile(at('../../lib/git-server.sh')), 'git-server.sh')
    const { start } = await openSession(sandbox, 'git-server')
    await start(`sh git-server.sh ${server.root} ${port}`)
    for (const answers of [`http://127.0.0.1:${port}`, `-k https://127.0.0.1:${port + 1}`]) {
      await eventually(`the git server answers: ${answers}`, async () => (await server.run(`curl -s ${answers}/open/sample.git/HEAD`)).includes('refs/heads/main'))
    }
    server.commits = (await server.run(`cat ${server.root}/commits`)).trim().split('\n')
    return server
  }

  url(name = 'sample.git', area = 'private') {
    return `http://127.0.0.1:${this.port}/${area}/${name}`
  }

  secureUrl(name = 'sample.git') {
    return `https://localhost:${this.port + 1}/private/${name}`
  }

  /** Output of a command inside, which must succeed. */
  async run(command) {
    const { exitCode, result } = await this.sandbox.process.executeCommand(command)
    if (exitCode !== 0 && !command.startsWith('curl')) throw new Error(`${command}: ${exitCode} ${result}`)
    return result
  }

  /** A repository that one test has for itself, to push to. */
  async own(name) {
    await this.run(`git clone -q --bare ${this.root}/sample.git ${this.root}/${name}.git && git -C ${this.root}/${name}.git config http.receivepack true`)
    return `${name}.git`
  }

  async head(name, branch = 'main') {
    return (await this.run(`git -C ${this.root}/${name} rev-parse refs/heads/${branch}`)).trim()
  }

  /** Somebody else pushes a commit to a repository of the server. */
  async colleague(name, file = 'theirs.txt', branch = 'main') {
    const where = `/tmp/theirs-${name}`
    await this.run(`test -d ${where} || git clone -q ${this.root}/${name} ${where}; cd ${where} && git checkout -q ${branch} && echo theirs > ${file} && git add . && git -c user.name=G -c user.email=g@example.com commit -q -m theirs && git push -q origin ${branch}`)
    return this.head(name, branch)
  }
}
