-- Stands for the content that a partner's manifest gave under the UID (SHA-256); NULL where a transport gives none. By it a later
-- delivery under the same UID is told from the same one again.
ALTER TABLE inbound_instance ADD COLUMN offered BYTEA;
