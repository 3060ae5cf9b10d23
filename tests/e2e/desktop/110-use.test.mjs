// A program with a window: found, looked at, clicked, typed into.
import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { forEachSdk } from '../typescript/lib/harness.mjs'
import { App, AWAITED } from './lib/app.mjs'
import { Png, jpegSize } from './lib/png.mjs'

// All known versions of this SDK send height, width, y, x of takeRegion as x, y, width, height: this is the same either way.
const square = (x, y) => ({ x, y, width: y, height: x })

forEachSdk('desktop use', (t) => {
  let app
  let computer

  before(async () => {
    const sandbox = await t.create('use')
    computer = sandbox.computerUse
    await computer.start()
    app = await App.start(sandbox)
  })

  it('finds the display and the window', async () => {
    const { displays } = await computer.display.getInfo()
    assert.equal(displays.length, 1)
    assert.deepEqual({ ...displays[0], id: 0 }, { id: 0, x: 0, y: 0, width: 1024, height: 768, isActive: true })
    const { windows } = await computer.display.getWindows()
    const found = windows.find(({ title }) => title === 'Desk test')
    assert.ok(found, JSON.stringify(windows))
    assert.equal(typeof found.id, 'number')
  })

  it('clicks into it and types any text, and the screenshot shows it', async () => {
    await app.shows('waiting')
    const clicked = await app.click('entry')
    assert.deepEqual({ x: clicked.x, y: clicked.y }, await app.middle('entry'))
    await computer.keyboard.type(AWAITED)
    await app.until('the text is there', ({ entry }) => entry === AWAITED)
    await app.shows('awaited')
  })

  it('copies and pastes with hotkeys', async () => {
    await app.click('entry')
    await computer.keyboard.hotkey('ctrl+a')
    await computer.keyboard.hotkey('ctrl+c')
    await app.click('second')
    await computer.keyboard.hotkey('ctrl+v')
    await app.until('the copy is there', ({ second }) => second === AWAITED)
    await computer.keyboard.hotkey('Ctrl + A')
    await computer.keyboard.press('delete')
    await app.until('it is gone', ({ second }) => second === '')
  })

  it('presses keys and chords', async () => {
    await app.click('second')
    for (const [key, modifiers] of [['a'], ['a', ['shift']], ['1'], ['/'], ['b'], ['backspace'], ['left'], ['space'], ['home'], ['x']]) {
      await computer.keyboard.press(key, modifiers)
    }
    await app.until('what the keys give', ({ second }) => second === 'xaA1 /')
    await app.click('entry')
    await computer.keyboard.press('Return')
    await app.until('enter', ({ events }) => events.includes('enter'))
    await computer.keyboard.press('F5')
    await app.until('F5', ({ events }) => events.includes('key F5'))
  })

  it('types lines, with a pause after each character if wanted', async () => {
    await app.click('second')
    await computer.keyboard.hotkey('ctrl+a')
    await computer.keyboard.type('one\r\n', 5)
    await app.until('the line', ({ second }) => second === 'one')
  })

  it('says which keys it does not know', async () => {
    await t.rejects(computer.keyboard.press('FooBar'), { kind: 'badRequest', message: /unsupported key "FooBar"; see supported keyboard key names/ })
    await t.rejects(computer.keyboard.press('!'), { kind: 'badRequest', message: /use press\("1", \["shift"\]\)/ })
    await t.rejects(computer.keyboard.hotkey('ctrl++c'), { kind: 'badRequest', message: /invalid hotkey "ctrl\+\+c": empty key token/ })
    await t.rejects(computer.keyboard.type('a\tb'), { kind: 'badRequest', message: /keyboard\.type does not translate/ })
  })

  it('moves the pointer', async () => {
    assert.deepEqual(await computer.mouse.move(321, 234), { x: 321, y: 234 })
    assert.deepEqual(await computer.mouse.getPosition(), { x: 321, y: 234 })
    assert.deepEqual(await computer.mouse.move(5000, -5), { x: 1023, y: 0 })
  })

  it('clicks with every button, twice, and drags', async () => {
    const { x, y } = await app.middle('field')
    const since = (await app.state()).events.length
    const all = (...texts) => app.until(texts.join(', '), ({ events }) => texts.every((text) => events.slice(since).includes(text)))
    await computer.mouse.click(x, y)
    await all(`press 1 ${x},${y}`, `release 1 ${x},${y}`)
    await computer.mouse.click(x + 1, y + 1, 'right')
    await all(`press 3 ${x + 1},${y + 1}`)
    await computer.mouse.click(x + 2, y + 2, 'Middle')
    await all(`press 2 ${x + 2},${y + 2}`)
    await computer.mouse.click(x + 30, y + 3, 'left', true)
    await all(`double 1 ${x + 30},${y + 3}`)
    const dragged = await computer.mouse.drag(x - 60, y - 60, x + 60, y + 50)
    assert.deepEqual({ x: dragged.x, y: dragged.y }, { x: x + 60, y: y + 50 })
    await all(`press 1 ${x - 60},${y - 60}`, `release 1 ${x + 60},${y + 50}`)
    await t.rejects(computer.mouse.click(x, y, 'fourth'), { kind: 'badRequest', message: /unsupported mouse button "fourth": expected one of left, right, middle/ })
  })

  it('scrolls', async () => {
    const { x, y } = await app.middle('field')
    const since = (await app.state()).events.length
    const count = (events, way) => events.slice(since).filter((text) => text === `scroll ${way}`).length
    assert.equal(await computer.mouse.scroll(x, y, 'down', 3), true)
    assert.equal(await computer.mouse.scroll(x, y, 'up'), true)
    await app.until('three down, one up', ({ events }) => count(events, 'down') === 3 && count(events, 'up') === 1)
    await t.rejects(computer.mouse.scroll(x, y, 'sideways'), { kind: 'badRequest', message: /unsupported scroll direction "sideways": expected up or down/ })
  })

  it('takes screenshots of the whole screen and of a region', async () => {
    const { places } = await app.until('the field', ({ places: { field } }) => field[2] > 300)
    const [x, y] = places.field
    await computer.mouse.move(0, 0)
    const whole = await computer.screenshot.takeFullScreen()
    const full = new Png(whole.screenshot)
    assert.deepEqual([full.width, full.height], [1024, 768])
    assert.deepEqual(whole.cursorPosition, { x: 0, y: 0 })
    const region = new Png((await computer.screenshot.takeRegion(square(x, y))).screenshot)
    assert.deepEqual([region.width, region.height], [y, x])
    for (const [dx, dy] of [[0, 0], [y - 1, x - 1], [150, 50]]) assert.deepEqual(region.at(dx, dy), full.at(x + dx, y + dy))
  })

  it('shows the pointer when it shall', async () => {
    const [x, y] = (await app.state()).places.field
    await computer.mouse.move(x + 50, y + 50)
    const with_ = await computer.screenshot.takeFullScreen(true)
    assert.deepEqual(with_.cursorPosition, { x: x + 50, y: y + 50 })
    const without = new Png((await computer.screenshot.takeFullScreen(false)).screenshot)
    assert.notDeepEqual(new Png(with_.screenshot).at(x + 50, y + 50), without.at(x + 50, y + 50))
    const inside = await computer.screenshot.takeRegion(square(x, y), true)
    assert.deepEqual(inside.cursorPosition, { x: x + 50, y: y + 50 })
    assert.deepEqual(new Png(inside.screenshot).at(50, 50), new Png(with_.screenshot).at(x + 50, y + 50))
  })

  it('compresses and scales', async () => {
    const half = await computer.screenshot.takeCompressed({ format: 'jpeg', quality: 40, scale: 0.5 })
    assert.deepEqual(jpegSize(half.screenshot), { width: 512, height: 384 })
    assert.equal(half.sizeBytes, Buffer.from(half.screenshot, 'base64').length)
    const best = await computer.screenshot.takeCompressed({ format: 'jpeg', quality: 100, scale: 0.5 })
    assert.ok(best.sizeBytes > half.sizeBytes)
    const small = new Png((await computer.screenshot.takeCompressed({ format: 'png', scale: 0.25 })).screenshot)
    assert.deepEqual([small.width, small.height], [256, 192])
    const [x, y, width] = (await app.state()).places.field
    const region = await computer.screenshot.takeCompressedRegion({ x, y, width: 200, height: 100 }, { format: 'jpeg', scale: 0.5, showCursor: true })
    assert.deepEqual(jpegSize(region.screenshot), { width: 100, height: 50 })
    assert.ok(width > 200)
    await t.rejects(computer.screenshot.takeCompressed({ scale: 3 }), { kind: 'badRequest', message: /must be between 0\.1 and 1\.0/ })
    await t.rejects(computer.screenshot.takeRegion(square(0, 5)), { kind: 'badRequest', message: /must be greater than zero/ })
  })
})
