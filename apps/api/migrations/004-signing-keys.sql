-- The key of a sandbox's signed file URLs (clients §11.6), made when it is first asked for. In clear: clients and the proxy compute with it.
CREATE TABLE signing_keys (
  sandbox_id TEXT PRIMARY KEY REFERENCES sandboxes (id) ON DELETE CASCADE,
  key TEXT NOT NULL
) STRICT;
