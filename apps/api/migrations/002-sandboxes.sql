-- Runners, sandboxes, the job outbox, signed preview tokens. Times are milliseconds since 1970 (UTC).

CREATE TABLE runners (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  region_id TEXT NOT NULL,
  api_key TEXT NOT NULL UNIQUE,     -- in clear: the proxy needs it to talk to the runner
  sandbox_class TEXT NOT NULL,
  state TEXT NOT NULL,
  unschedulable INTEGER NOT NULL DEFAULT 0,
  domain TEXT,
  api_url TEXT,
  proxy_url TEXT,
  app_version TEXT,
  cpu REAL NOT NULL DEFAULT 0,      -- capacity; 0: not reported yet
  memory REAL NOT NULL DEFAULT 0,
  disk REAL NOT NULL DEFAULT 0,
  metrics TEXT,                     -- JSON of the last healthcheck
  score REAL NOT NULL DEFAULT 0,
  last_checked INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (region_id, name)
) STRICT;

CREATE TABLE sandboxes (
  id TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL,
  name TEXT NOT NULL,
  region_id TEXT NOT NULL,
  runner_id TEXT,
  sandbox_class TEXT NOT NULL,
  snapshot TEXT,                    -- name
  snapshot_ref TEXT NOT NULL,       -- image reference for the runner
  entrypoint TEXT,                  -- JSON array
  os_user TEXT NOT NULL,
  env TEXT NOT NULL,                -- JSON object
  labels TEXT NOT NULL,             -- JSON object
  volumes TEXT NOT NULL,            -- JSON array
  is_public INTEGER NOT NULL,
  network_block_all INTEGER NOT NULL,
  network_allow_list TEXT,
  domain_allow_list TEXT,
  outbound_proxy_url TEXT,
  otel_endpoint TEXT,
  cpu INTEGER NOT NULL,
  gpu INTEGER NOT NULL,
  gpu_type TEXT,
  memory INTEGER NOT NULL,          -- GiB
  disk INTEGER NOT NULL,            -- GiB
  state TEXT NOT NULL,
  desired_state TEXT NOT NULL,
  pending INTEGER NOT NULL,
  force_stop INTEGER NOT NULL,      -- of the stop that is under way
  error_reason TEXT,
  recoverable INTEGER NOT NULL,
  auto_stop INTEGER NOT NULL,       -- minutes
  auto_pause INTEGER NOT NULL,
  auto_archive INTEGER NOT NULL,
  auto_delete INTEGER NOT NULL,
  auto_destroy_at INTEGER,          -- end of the TTL
  queue_timeout INTEGER,
  daemon_version TEXT,
  auth_token TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  last_activity_at INTEGER NOT NULL,
  -- Derived from the above on every write:
  holds INTEGER NOT NULL,           -- what counts against capacity: 0 nothing, 1 disk, 2 disk, cpu and memory
  next_due INTEGER,                 -- when a rule of time must look at this row
  UNIQUE (organization_id, name)
) STRICT;
CREATE INDEX sandboxes_due ON sandboxes (next_due) WHERE next_due IS NOT NULL;
CREATE INDEX sandboxes_capacity ON sandboxes (runner_id, holds, cpu, memory, disk, gpu) WHERE holds > 0;
CREATE INDEX sandboxes_quota ON sandboxes (organization_id, region_id, holds, cpu, memory, disk, gpu) WHERE holds > 0;
CREATE INDEX sandboxes_runner ON sandboxes (runner_id) WHERE runner_id IS NOT NULL;
CREATE INDEX sandboxes_pending ON sandboxes (pending) WHERE pending = 1;
CREATE INDEX sandboxes_activity ON sandboxes (organization_id, last_activity_at, id);
CREATE INDEX sandboxes_created ON sandboxes (organization_id, created_at, id);

CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  runner_id TEXT NOT NULL,
  type TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('PENDING', 'IN_PROGRESS', 'COMPLETED', 'FAILED')),
  resource_type TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  payload TEXT,
  error_message TEXT,
  result_metadata TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  expires_at INTEGER                -- while incomplete: when it counts as lost; afterwards: when the row is removed
) STRICT;
-- One incomplete job per resource and runner.
CREATE UNIQUE INDEX jobs_incomplete ON jobs (resource_type, resource_id, runner_id)
  WHERE status IN ('PENDING', 'IN_PROGRESS');
CREATE INDEX jobs_runner ON jobs (runner_id, status, created_at);
CREATE INDEX jobs_expiry ON jobs (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE preview_tokens (
  token TEXT PRIMARY KEY,
  sandbox_id TEXT NOT NULL,
  port INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX preview_tokens_expiry ON preview_tokens (expires_at);
