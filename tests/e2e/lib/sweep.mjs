// Deletes what a broken tear-down of this run left behind, and names it: the name tells which test it was.
import { api, discard, runLabels } from './api.mjs'

const { json } = await api('GET', `/sandbox?limit=200&labels=${encodeURIComponent(JSON.stringify(runLabels))}`)
for (const { id, name, desiredState } of json?.items ?? []) {
  if (desiredState === 'destroyed') continue
  console.error(`e2e: left behind: ${name}`)
  await discard(id)
}
