-- Organizations, users, keys, regions, snapshots. Times are milliseconds since 1970 (UTC).

CREATE TABLE organizations (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  created_by TEXT NOT NULL,
  personal INTEGER NOT NULL,
  default_region_id TEXT,
  max_cpu_per_sandbox INTEGER NOT NULL,
  max_memory_per_sandbox INTEGER NOT NULL,
  max_disk_per_sandbox INTEGER NOT NULL,
  snapshot_quota INTEGER NOT NULL,
  volume_quota INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  email_verified INTEGER NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('user', 'admin')),
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE organization_users (
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (organization_id, user_id)
) STRICT;

CREATE TABLE api_keys (
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  prefix TEXT NOT NULL,
  suffix TEXT NOT NULL,
  permissions INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER,
  expires_at INTEGER,
  PRIMARY KEY (organization_id, user_id, name)
) STRICT;

CREATE TABLE regions (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  organization_id TEXT REFERENCES organizations (id) ON DELETE CASCADE,
  region_type TEXT NOT NULL CHECK (region_type IN ('shared', 'dedicated', 'custom')),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE snapshots (
  id TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  image_name TEXT NOT NULL,
  ref TEXT NOT NULL,
  general INTEGER NOT NULL,
  state TEXT NOT NULL,
  size REAL,
  entrypoint TEXT,
  cpu INTEGER NOT NULL,
  gpu INTEGER NOT NULL,
  memory INTEGER NOT NULL,
  disk INTEGER NOT NULL,
  sandbox_class TEXT NOT NULL,
  error_reason TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  last_used_at INTEGER,
  UNIQUE (organization_id, name)
) STRICT;
CREATE INDEX snapshots_by_name ON snapshots (name);

CREATE TABLE snapshot_regions (
  snapshot_id TEXT NOT NULL REFERENCES snapshots (id) ON DELETE CASCADE,
  region_id TEXT NOT NULL REFERENCES regions (id) ON DELETE CASCADE,
  PRIMARY KEY (snapshot_id, region_id)
) STRICT;
