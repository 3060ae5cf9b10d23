// Searching and replacing in files, listing in depth, what a user without rights may not do, transfers that are broken off.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { before, it } from 'node:test'
import { forEachSdk } from './lib/harness.mjs'

forEachSdk('file search', (t) => {
  let sandbox
  let fs
  let run

  before(async () => {
    sandbox = await t.create('file-search')
    fs = sandbox.fs
    run = async (command) => (await sandbox.process.executeCommand(command)).result
    await run(
      "mkdir -p tree/b/deep tree/a; printf 'one\\r\\nthe needle\\nthree needle\\n' > tree/b/deep/x.txt; echo needle > tree/a/y.md; " +
        "printf 'needle\\0' > tree/binary; : > tree/empty.txt; ln -s b/deep/x.txt tree/link.txt; ln -s b tree/link-dir; mkfifo tree/pipe; echo 'No Needle here' > tree/z.txt",
    )
  })

  it('finds a text in files, with line and content, in the order of names', async () => {
    assert.deepEqual(await fs.findFiles('tree', 'needle'), [
      { file: 'tree/a/y.md', line: 1, content: 'needle' },
      { file: 'tree/b/deep/x.txt', line: 2, content: 'the needle' },
      { file: 'tree/b/deep/x.txt', line: 3, content: 'three needle' },
    ])
    const workDir = await sandbox.getWorkDir()
    assert.deepEqual((await fs.findFiles(`${workDir}/tree/a`, 'needle')).map((match) => match.file), [`${workDir}/tree/a/y.md`])
    assert.equal((await fs.findFiles('tree/z.txt', 'Needle'))[0].line, 1)
  })

  it('takes a text as it is and not as an expression', async () => {
    await run("echo 'a.c [x] (y)* \\\\d $' > literal.txt")
    for (const text of ['a.c', '[x]', '(y)*', '\\d', '$']) assert.equal((await fs.findFiles('literal.txt', text)).length, 1, text)
    for (const text of ['a.*c', '^a', 'abc']) assert.deepEqual(await fs.findFiles('literal.txt', text), [], text)
  })

  it('finds nothing where there is nothing, or nothing that may be read', async () => {
    assert.deepEqual(await fs.findFiles('/no/such/dir', 'x'), [])
    assert.deepEqual(await fs.findFiles('tree', 'not in any file'), [])
    assert.deepEqual(await fs.findFiles('tree/link.txt', 'needle'), [])
    assert.deepEqual((await fs.searchFiles('/no/such/dir', '*')).files, [])
  })

  it('finds names by a pattern', async () => {
    const names = async (pattern, root = 'tree') => (await fs.searchFiles(root, pattern)).files
    assert.deepEqual(await names('*.txt'), ['tree/b/deep/x.txt', 'tree/empty.txt', 'tree/link.txt', 'tree/z.txt'])
    assert.deepEqual(await names('?.[a-m]*'), ['tree/a/y.md'])
    assert.deepEqual(await names('[^a-z]*'), [])
    assert.deepEqual(await names('deep'), ['tree/b/deep'])
    assert.deepEqual(await names('tree'), ['tree'])
    assert.deepEqual(await names('*.TXT'), [])
    assert.deepEqual(await names('[bad'), [])
    const workDir = await sandbox.getWorkDir()
    assert.deepEqual(await names('y.*', `${workDir}/tree`), [`${workDir}/tree/a/y.md`])
  })

  it('replaces a text in several files and says for each how it went', async () => {
    await run("mkdir -p replace; echo 'old old' > replace/1; echo 'no match' > replace/2; chmod 600 replace/1; ln -s 1 replace/link")
    const results = await fs.replaceInFiles(['replace/1', 'replace/missing', 'replace/2', 'replace'], 'old', 'new $& \\1')
    assert.deepEqual(results.map(({ file, success }) => [file, success]), [['replace/1', true], ['replace/missing', false], ['replace/2', true], ['replace', false]])
    assert.match(results[1].error, /not found/)
    assert.match(results[3].error, /directory/)
    assert.equal(await run('cat replace/1 replace/2; stat -c %a replace/1'), 'new $& \\1 new $& \\1\nno match\n600\n')
    await fs.replaceInFiles(['replace/link'], 'new', '')
    assert.equal(await run('cat replace/1; test -L replace/link && echo link'), ' $& \\1  $& \\1\nlink\n')
  })

  it('searches ten thousand files', async () => {
    await run("mkdir -p crowd && cd crowd && for d in $(seq 100); do mkdir $d; for f in $(seq 100); do echo \"file $d $f\" > $d/$f.txt; done; done")
    const found = await fs.findFiles('crowd', 'file 77 ')
    assert.equal(found.length, 100)
    assert.ok(found.every((match) => match.file.startsWith('crowd/77/')))
    assert.equal((await fs.searchFiles('crowd', '1*.txt')).files.length, 1200)
  })

  it('lists several levels at once', { skip: !t.sdk.modern && 'the older SDK has no depth' }, async () => {
    const paths = async (depth) => (await fs.listFiles('tree/b', { depth })).map((entry) => entry.path)
    assert.deepEqual(await paths(1), ['tree/b/deep'])
    assert.deepEqual(await paths(2), ['tree/b/deep', 'tree/b/deep/x.txt'])
    assert.ok((await fs.listFiles('tree', { depth: 9 })).every((entry) => !entry.path.startsWith('tree/link-dir/')))
    await assert.rejects(fs.listFiles('tree', { depth: 0 }))
  })

  it('says what the user may not do', { skip: process.getuid === undefined }, async () => {
    await run('mkdir -p closed/in; echo x > closed/f; echo x > unreadable; chmod 000 closed unreadable')
    if ((await run('id -u')) === '0\n') return
    await t.rejects(fs.listFiles('closed'), { kind: 'forbidden', status: 403 })
    await t.rejects(fs.getFileDetails('closed/f'), { kind: 'forbidden', status: 403 })
    await t.rejects(fs.deleteFile('closed', true), { kind: 'forbidden', status: 403 })
    await t.rejects(fs.uploadFile(Buffer.from('x'), 'closed/new'), { kind: 'badRequest' })
    const [unreadable] = await fs.downloadFiles([{ source: 'unreadable' }])
    assert.equal(unreadable.errorDetails.statusCode, 403)
    assert.deepEqual(await fs.findFiles('closed', 'x'), [])
    await run('chmod 700 closed')
  })

  it('never waits for a pipe, and does not disturb who does', async () => {
    await run("setsid sh -c 'echo kept > tree/pipe' < /dev/null > /dev/null 2>&1 &")
    const [pipe] = await fs.downloadFiles([{ source: 'tree/pipe' }])
    assert.equal(pipe.errorDetails.statusCode, 400)
    await t.rejects(fs.uploadFile(Buffer.from('x'), 'tree/pipe'), { kind: 'badRequest' })
    assert.equal((await fs.replaceInFiles(['tree/pipe'], 'a', 'b'))[0].success, false)
    assert.equal(await run('cat tree/pipe'), 'kept\n')
  })

  it('leaves the old file when an upload is broken off', async () => {
    await fs.uploadFile(Buffer.from('old content'), 'broken/off.bin')
    const upload = new AbortController()
    async function* endless() {
      for (let sent = 0; ; sent += 1) {
        yield randomBytes(64 * 1024)
        if (sent === 30) upload.abort()
      }
    }
    await assert.rejects(fs.uploadFileStream(Readable.from(endless()), 'broken/off.bin', { signal: upload.signal }))
    assert.equal(await run('cat broken/off.bin; ls -A broken'), 'old contentoff.bin\n')
  })
})
