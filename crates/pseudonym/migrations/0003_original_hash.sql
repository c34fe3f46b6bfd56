-- keyed hash of an original: asks whether a UID is anybody's real one without opening a row. NULL in rows of before, until the vault is
-- next opened with its key.
ALTER TABLE mapped_uid ADD COLUMN original_hash BYTEA;
CREATE INDEX mapped_uid_original ON mapped_uid (original_hash);
