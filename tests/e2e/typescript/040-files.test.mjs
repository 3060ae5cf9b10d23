// Files: up and down, one and many, streams, large, odd names; listing, folders, moves, permissions; failures.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { after, before, it } from 'node:test'
import { forEachSdk } from './lib/harness.mjs'

const MEBI = 1024 * 1024
const ODD_NAMES = [
  'with space.txt',
  "it's.txt",
  'double"quote.txt',
  'back\\slash.txt',
  'semi;colon=eq&amp%41+plus.txt',
  'ünïcødé-grüße.txt',
  '文件-世界-🌍.txt',
  'percent%20name.txt',
  '-dash.txt',
  '.hidden',
]

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

forEachSdk('files', (t) => {
  let sandbox
  let fs
  let run
  let local

  before(async () => {
    sandbox = await t.create('files')
    fs = sandbox.fs
    run = async (command) => (await sandbox.process.executeCommand(command)).result
    local = await mkdtemp(join(tmpdir(), 'e2e-ts-files-'))
  })

  after(() => local && rm(local, { recursive: true, force: true }))

  it('uploads bytes and downloads the same bytes', async () => {
    const bytes = Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, i) => i)), randomBytes(70_000)])
    await fs.uploadFile(bytes, 'binary.bin')
    const read = await fs.downloadFile('binary.bin')
    assert.equal(read.length, bytes.length)
    assert.equal(sha256(read), sha256(bytes))
    assert.equal((await run('sha256sum < binary.bin')).split(' ')[0], sha256(bytes))
  })

  // The reference separates the parts of a download by a fixed text, so a file with that text in it cannot be downloaded.
  it('carries a file that looks like a multipart body itself', async () => {
    const text = Buffer.from('\r\n--DAYTONA-FILE-BOUNDARY\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nx\r\n--DAYTONA-FILE-BOUNDARY--\r\n')
    await fs.uploadFile(text, 'boundary.bin')
    assert.deepEqual(Buffer.from(await fs.downloadFile('boundary.bin')), text)
  })

  it('resolves relative paths against the work directory', async () => {
    const workDir = await sandbox.getWorkDir()
    await fs.uploadFile(Buffer.from('relative'), 'relative.txt')
    assert.equal(String(await fs.downloadFile(`${workDir}/relative.txt`)), 'relative')
    await fs.uploadFile(Buffer.from('absolute'), `${workDir}/absolute.txt`)
    assert.equal(String(await fs.downloadFile('absolute.txt')), 'absolute')
  })

  it('creates parents, mode 0644, and overwrites in place keeping the mode', async () => {
    await fs.uploadFile(Buffer.from('first, and longer'), 'p1/p2/p3/file.txt')
    assert.equal(await run('stat -c %a p1/p2/p3/file.txt'), '644\n')
    await fs.setFilePermissions('p1/p2/p3/file.txt', { mode: '600' })
    await fs.uploadFile(Buffer.from('second'), 'p1/p2/p3/file.txt')
    assert.equal(await run('cat p1/p2/p3/file.txt'), 'second')
    assert.equal(await run('stat -c %a p1/p2/p3/file.txt'), '600\n')
  })

  it('makes uploads owned by the user of the sandbox', async () => {
    await fs.uploadFile(Buffer.from('x'), 'owned.txt')
    assert.equal(await run('stat -c %u owned.txt'), await run('id -u'))
  })

  it('writes through a symbolic link', async () => {
    await run('echo old > target.txt; ln -sf target.txt link.txt; ln -sf fresh.txt dangling.txt')
    await fs.uploadFile(Buffer.from('new'), 'link.txt')
    await fs.uploadFile(Buffer.from('made'), 'dangling.txt')
    assert.equal(await run('cat target.txt; test -L link.txt && echo; cat fresh.txt'), 'new\nmade')
  })

  it('carries an empty file', async () => {
    await fs.uploadFile(Buffer.alloc(0), 'empty.txt')
    assert.equal((await fs.getFileDetails('empty.txt')).size, 0)
    assert.equal(Number(await run('stat -c %s empty.txt')), 0)
    await fs.downloadFile('empty.txt', join(local, 'empty.txt'))
    assert.equal((await stat(join(local, 'empty.txt'))).size, 0)
  })

  it('uploads from a local file and downloads to one', async () => {
    const bytes = randomBytes(3 * MEBI + 17)
    await writeFile(join(local, 'source.bin'), bytes)
    await fs.uploadFile(join(local, 'source.bin'), 'from-local.bin')
    await fs.downloadFile('from-local.bin', join(local, 'new-dir', 'result.bin'))
    assert.equal(sha256(await readFile(join(local, 'new-dir', 'result.bin'))), sha256(bytes))
  })

  it('uploads many files in one call and downloads them in one', async () => {
    const files = Array.from({ length: 60 }, (_, i) => ({ source: Buffer.from(`content ${i} `.repeat(i + 1)), destination: `many/dir-${i % 5}/file-${i}.txt` }))
    await fs.uploadFiles(files)
    const results = await fs.downloadFiles(files.map((file) => ({ source: file.destination })))
    assert.equal(results.length, files.length)
    results.forEach((result, i) => {
      assert.equal(result.source, files[i].destination)
      assert.equal(result.error, undefined)
      assert.equal(String(result.result), String(files[i].source))
    })
  })

  it('reports per file what could not be downloaded', async () => {
    await fs.uploadFile(Buffer.from('here'), 'partial.txt')
    await run('mkdir -p a-directory')
    const results = await fs.downloadFiles([{ source: 'missing-1.txt' }, { source: 'partial.txt' }, { source: 'a-directory' }])
    assert.match(results[0].error, /not found.*missing-1\.txt/)
    assert.equal(results[0].result, undefined)
    assert.equal(results[0].errorDetails.statusCode, 404)
    assert.equal(results[0].errorDetails.code ?? results[0].errorDetails.errorCode, 'FILE_NOT_FOUND')
    assert.equal(String(results[1].result), 'here')
    assert.equal(results[1].error, undefined)
    assert.match(results[2].error, /directory/)
    assert.equal(results[2].errorDetails.statusCode, 400)
  })

  for (const name of ODD_NAMES) {
    it(`carries a file named ${JSON.stringify(name)}`, async () => {
      const path = `odd/${name}`
      const content = Buffer.from(`content of ${name}`)
      await fs.uploadFile(content, path)
      assert.equal(String(await fs.downloadFile(path)), String(content))
      assert.ok((await fs.listFiles('odd')).some((entry) => entry.name === name))
      const details = await fs.getFileDetails(path)
      assert.equal(details.name, name)
      assert.equal(details.size, content.length)
      await fs.moveFiles(path, `${path}.moved`)
      assert.equal(await run(`ls -A odd | grep -c moved`), '1\n')
      await fs.deleteFile(`${path}.moved`)
    })
  }

  it('streams an upload of unknown length, with progress', async () => {
    const chunks = Array.from({ length: 50 }, () => randomBytes(40_000))
    const progress = []
    await fs.uploadFileStream(Readable.from(chunks), 'streamed.bin', { onProgress: ({ bytesSent }) => progress.push(bytesSent) })
    const whole = Buffer.concat(chunks)
    assert.equal((await run('sha256sum < streamed.bin')).split(' ')[0], sha256(whole))
    assert.equal(progress.at(-1), whole.length)
  })

  it('streams a download, with the total known from the start', async () => {
    const bytes = randomBytes(5 * MEBI + 3)
    await fs.uploadFile(bytes, 'to-stream.bin')
    const progress = []
    const stream = await fs.downloadFileStream('to-stream.bin', { onProgress: (event) => progress.push(event) })
    assert.equal(sha256(await buffer(stream)), sha256(bytes))
    assert.ok(progress.length > 1)
    for (const event of progress) assert.equal(event.totalBytes, bytes.length)
    assert.equal(progress.at(-1).bytesReceived, bytes.length)
  })

  it('survives an upload and a download that the client breaks off', async () => {
    const upload = new AbortController()
    async function* endless() {
      for (let sent = 0; ; sent += 1) {
        yield randomBytes(64 * 1024)
        if (sent === 20) upload.abort()
      }
    }
    await assert.rejects(fs.uploadFileStream(Readable.from(endless()), 'aborted.bin', { signal: upload.signal }))
    await fs.uploadFile(randomBytes(20 * MEBI), 'long.bin')
    const download = new AbortController()
    const stream = await fs.downloadFileStream('long.bin', { signal: download.signal })
    download.abort()
    await assert.rejects(buffer(stream))
    assert.equal(await run('echo alive'), 'alive\n')
  })

  it('carries 100 MiB up and down', async () => {
    const size = 100 * MEBI
    const block = randomBytes(MEBI)
    const hash = createHash('sha256')
    const source = join(local, 'large.bin')
    await pipeline(
      (function* () {
        for (let i = 0; i < 100; i += 1) {
          const part = Buffer.from(block)
          part.writeUInt32BE(i)
          hash.update(part)
          yield part
        }
      })(),
      createWriteStream(source),
    )
    const expected = hash.digest('hex')
    await fs.uploadFile(source, 'large.bin')
    await rm(source)
    assert.equal((await fs.getFileDetails('large.bin')).size, size)
    assert.equal((await run('sha256sum < large.bin')).split(' ')[0], expected)
    const target = join(local, 'large.down')
    await fs.downloadFile('large.bin', target)
    const read = createHash('sha256')
    await pipeline(createReadStream(target), read)
    assert.equal(read.digest('hex'), expected)
    assert.equal((await stat(target)).size, size)
    await fs.deleteFile('large.bin')
    await rm(target)
  })

  it('keeps ten simultaneous uploads and downloads apart', async () => {
    const contents = Array.from({ length: 10 }, (_, i) => Buffer.alloc(300_000 + i, i))
    await Promise.all(contents.map((content, i) => fs.uploadFile(content, `parallel/${i}.bin`)))
    const read = await Promise.all(contents.map((_, i) => fs.downloadFile(`parallel/${i}.bin`)))
    read.forEach((bytes, i) => assert.equal(sha256(bytes), sha256(contents[i])))
  })

  it('refuses a download of what is missing or a directory', async () => {
    const missing = await t.rejects(fs.downloadFile('/no/such/file'), { kind: 'fileNotFound', message: /not found.*\/no\/such\/file/ })
    assert.equal(missing.statusCode, 404)
    const directory = await t.rejects(fs.downloadFile('/tmp'), { kind: 'invalidFilePath', message: /directory/ })
    assert.equal(directory.statusCode, 400)
    if (t.sdk.modern) assert.ok(missing instanceof t.sdk.module.DaytonaNotFoundError)
  })

  it('refuses a streamed download of what is missing', async () => {
    await t.rejects(fs.downloadFileStream('/no/such/file'), { kind: 'fileNotFound', message: /not found/ })
  })

  it('refuses an upload onto a directory and leaves it as it was', async () => {
    await run('mkdir -p occupied; echo inner > occupied/inner.txt')
    await t.rejects(fs.uploadFile(Buffer.from('x'), 'occupied'), { kind: 'badRequest' })
    assert.equal(await run('cat occupied/inner.txt'), 'inner\n')
  })

  it('lists a directory, sorted, with all attributes', async () => {
    await run('mkdir -p listing/sub; printf 12345 > listing/b.txt; printf 1 > listing/a.txt; chmod 640 listing/a.txt; chmod 755 listing/b.txt')
    const entries = await fs.listFiles('listing')
    assert.deepEqual(entries.map((entry) => entry.name), ['a.txt', 'b.txt', 'sub'])
    const [a, b, sub] = entries
    assert.equal(a.size, 1)
    assert.equal(b.size, 5)
    assert.equal(a.isDir, false)
    assert.equal(sub.isDir, true)
    assert.equal(a.permissions, '0640')
    assert.equal(a.mode, '-rw-r-----')
    assert.equal(b.mode, '-rwxr-xr-x')
    assert.match(sub.mode, /^d/)
    for (const entry of entries) {
      assert.match(entry.owner, /^\d+$/)
      assert.match(entry.group, /^\d+$/)
      assert.ok(!Number.isNaN(Date.parse(entry.modifiedAt)), entry.modifiedAt)
      assert.match(entry.modTime, /\d{4}-\d\d-\d\d/)
    }
  })

  it('lists an empty directory as an empty array', async () => {
    await run('mkdir -p nothing')
    assert.deepEqual(await fs.listFiles('nothing'), [])
  })

  it('lists a directory of 3000 files', async () => {
    await run('mkdir -p crowd; cd crowd; for i in $(seq 3000); do : > f$i; done')
    const entries = await fs.listFiles('crowd')
    assert.equal(entries.length, 3000)
    assert.equal(new Set(entries.map((entry) => entry.name)).size, 3000)
  })

  it('refuses to list what is missing or a file', async () => {
    await t.rejects(fs.listFiles('/no/such/dir'), { kind: 'notFound', status: 404 })
    await run('echo x > plain.txt')
    await t.rejects(fs.listFiles('plain.txt'), { kind: 'badRequest', status: 400 })
  })

  it('describes a file and a directory', async () => {
    await fs.uploadFile(Buffer.from('12345678'), 'described.txt')
    const file = await fs.getFileDetails('described.txt')
    assert.equal(file.name, 'described.txt')
    assert.equal(file.size, 8)
    assert.equal(file.isDir, false)
    assert.equal(file.permissions, '0644')
    assert.equal((await fs.getFileDetails('/tmp')).isDir, true)
    await t.rejects(fs.getFileDetails('/no/such'), { kind: 'notFound', status: 404 })
  })

  for (const [mode, expected] of [['755', '755'], ['0755', '755'], ['700', '700']]) {
    it(`creates a folder with mode ${mode}`, async () => {
      await fs.createFolder(`folders/deep/${mode}`, mode)
      assert.equal(await run(`stat -c '%a %F' folders/deep/${mode}`), `${expected} directory\n`)
    })
  }

  it('creates a folder that is there already, refuses one in place of a file or with a bad mode', async () => {
    await fs.createFolder('again', '755')
    await fs.createFolder('again', '755')
    await run('echo x > in-the-way')
    await t.rejects(fs.createFolder('in-the-way', '755'), { kind: 'badRequest', status: 400 })
    await t.rejects(fs.createFolder('bad-mode', 'rwx'), { kind: 'badRequest', status: 400 })
    assert.equal(await run('cat in-the-way; test -e bad-mode || echo none'), 'x\nnone\n')
  })

  it('moves files and directories', async () => {
    await run('mkdir -p move/dir; echo content > move/a.txt; echo inner > move/dir/inner.txt')
    await fs.moveFiles('move/a.txt', 'move/b.txt')
    await fs.moveFiles('move/dir', 'move/renamed')
    assert.equal(await run('cat move/b.txt move/renamed/inner.txt; ls move'), 'content\ninner\nb.txt\nrenamed\n')
  })

  it('refuses to move what is missing, or onto what is there', async () => {
    await run('echo 1 > m1.txt; echo 2 > m2.txt')
    await t.rejects(fs.moveFiles('missing.txt', 'x.txt'), { kind: 'notFound', status: 404 })
    await t.rejects(fs.moveFiles('m1.txt', 'no/such/parent.txt'), { kind: 'notFound', status: 404 })
    await t.rejects(fs.moveFiles('m1.txt', 'm2.txt'), { kind: 'conflict', status: 409 })
    assert.equal(await run('cat m1.txt m2.txt'), '1\n2\n')
  })

  it('deletes files and, only when told so, directories', async () => {
    await run('mkdir -p del/full del/empty; echo x > del/full/x; echo y > del/y')
    await fs.deleteFile('del/y')
    await t.rejects(fs.deleteFile('del/full'), { kind: 'badRequest', status: 400 })
    await t.rejects(fs.deleteFile('del/empty'), { kind: 'badRequest', status: 400 })
    assert.equal(await run('ls del/full'), 'x\n')
    await fs.deleteFile('del/full', true)
    await fs.deleteFile('del/empty', true)
    assert.equal(await run('ls del'), '')
    await t.rejects(fs.deleteFile('del/y'), { kind: 'notFound', status: 404 })
  })

  it('removes a symbolic link and not what it points to', async () => {
    await run('mkdir -p keep; echo safe > keep/safe.txt; ln -sfn keep link-to-keep')
    await fs.deleteFile('link-to-keep', true)
    assert.equal(await run('cat keep/safe.txt; test -L link-to-keep || echo unlinked'), 'safe\nunlinked\n')
  })

  it('sets mode, owner and group', async () => {
    await fs.uploadFile(Buffer.from('x'), 'perm.txt')
    await fs.setFilePermissions('perm.txt', { mode: '751' })
    assert.equal((await fs.getFileDetails('perm.txt')).permissions, '0751')
    await fs.setFilePermissions('perm.txt', { owner: 'daytona', group: 'daytona', mode: '600' })
    assert.equal(await run('stat -c "%a %U %G" perm.txt'), '600 daytona daytona\n')
    await fs.setFilePermissions('perm.txt', {})
    assert.equal((await fs.getFileDetails('perm.txt')).permissions, '0600')
  })

  it('refuses a bad mode, an unknown owner and a missing file', async () => {
    await fs.uploadFile(Buffer.from('x'), 'perm-bad.txt')
    await t.rejects(fs.setFilePermissions('perm-bad.txt', { mode: 'u+x' }), { kind: 'badRequest', status: 400 })
    await t.rejects(fs.setFilePermissions('perm-bad.txt', { owner: 'nobody-e2e' }), { kind: 'badRequest', status: 400 })
    await t.rejects(fs.setFilePermissions('missing.txt', { mode: '600' }), { kind: 'notFound', status: 404 })
    assert.equal((await fs.getFileDetails('perm-bad.txt')).permissions, '0644')
  })
})
