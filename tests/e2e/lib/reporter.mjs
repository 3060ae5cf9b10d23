// Counts the cases that really ran, so that a suite which silently runs nothing is a failure and not a success.
import { writeFileSync } from 'node:fs'

export default async function* counts(source) {
  const total = { passed: 0, failed: 0, skipped: 0, failures: [] }
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const isGroup = data.details?.type === 'suite'
    if (isGroup && type === 'test:pass') continue
    if (isGroup && data.details.error?.failureType === 'subtestsFailed') continue
    if (data.skip !== undefined || data.todo !== undefined) total.skipped += 1
    else if (type === 'test:pass') total.passed += 1
    else if (data.details?.error?.failureType !== 'subtestsFailed') {
      total.failed += 1
      total.failures.push(data.name)
    }
  }
  writeFileSync(process.env.E2E_COUNTS, JSON.stringify(total))
  yield ''
}
