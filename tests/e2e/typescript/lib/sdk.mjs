// Finds the installed SDK packages. They live in the cache that `tests/e2e/run` fills, not beside the tests.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const modules = process.env.E2E_NODE_MODULES
if (!modules) throw new Error('E2E_NODE_MODULES is not set: start the tests with tests/e2e/run typescript')

export const requireInstalled = createRequire(join(modules, 'entry.cjs'))

function versionOf(name) {
  return JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')).version
}

/** Both names of the SDK: the present one, and the older one that many programs still import. */
export const sdks = ['@daytona/sdk', '@daytonaio/sdk'].map((name) => {
  const module = requireInstalled(name)
  return {
    name,
    version: versionOf(name),
    module,
    // The generation with one error class per status, events and `delete(timeout, wait)`.
    modern: 'DaytonaBadRequestError' in module,
  }
})

const CLASSES = {
  badRequest: ['DaytonaBadRequestError', 'DaytonaValidationError'],
  invalidArgument: ['DaytonaInvalidArgumentError', 'DaytonaValidationError'],
  authentication: ['DaytonaAuthenticationError'],
  notFound: ['DaytonaNotFoundError'],
  fileNotFound: ['DaytonaFileNotFoundError', 'DaytonaError'],
  invalidFilePath: ['DaytonaInvalidFilePathError', 'DaytonaError'],
  conflict: ['DaytonaConflictError'],
  forbidden: ['DaytonaForbiddenError', 'DaytonaAuthorizationError'],
  gitAuthFailed: ['DaytonaGitAuthFailedError', 'DaytonaAuthenticationError'],
  gitRepoNotFound: ['DaytonaGitRepoNotFoundError', 'DaytonaNotFoundError'],
  gitBranchNotFound: ['DaytonaGitBranchNotFoundError', 'DaytonaNotFoundError'],
  gitBranchExists: ['DaytonaGitBranchExistsError', 'DaytonaConflictError'],
  gitPushRejected: ['DaytonaGitPushRejectedError', 'DaytonaConflictError'],
  gitDirtyWorktree: ['DaytonaGitDirtyWorktreeError', 'DaytonaConflictError'],
  gitTransportFailed: ['DaytonaGitTransportFailedError', 'DaytonaError'],
  gitRemoteRejected: ['DaytonaGitRemoteRejectedError', 'DaytonaError'],
  gone: ['DaytonaGoneError', 'DaytonaError'],
  timeout: ['DaytonaTimeoutError'],
  connection: ['DaytonaConnectionError'],
  executionTimeout: ['DaytonaProcessExecutionTimeoutError', 'DaytonaError'],
  any: ['DaytonaError'],
}

/** The class that this generation of the SDK throws for a kind of failure. */
export function errorClass(sdk, kind) {
  const name = CLASSES[kind].find((candidate) => candidate in sdk.module)
  return sdk.module[name]
}
