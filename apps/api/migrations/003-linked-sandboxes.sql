-- A sandbox may be linked to another one (its owner): same runner, reachable by name, deleted with it.
ALTER TABLE sandboxes ADD COLUMN linked_sandbox_id TEXT;
CREATE INDEX sandboxes_linked ON sandboxes (linked_sandbox_id) WHERE linked_sandbox_id IS NOT NULL;
