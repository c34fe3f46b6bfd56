-- Rows about the inbound area (Z4) and the return buffer (Z5).

-- What a partner gave, with the UIDs that it wrote: unknown until it is checked.
CREATE TABLE inbound_instance (
  id                  TEXT   PRIMARY KEY NOT NULL,
  result_set          TEXT   NOT NULL,
  partner             TEXT   NOT NULL,
  study_instance_uid  TEXT   NOT NULL,
  series_instance_uid TEXT   NOT NULL,
  sop_instance_uid    TEXT   NOT NULL,
  sop_class_uid       TEXT   NOT NULL,
  transfer_syntax_uid TEXT   NOT NULL,
  location            TEXT   NOT NULL,
  bytes               BIGINT NOT NULL,
  blake3              BYTEA  NOT NULL,
  fetched_at          BIGINT NOT NULL
);
CREATE UNIQUE INDEX inbound_instance_uid ON inbound_instance (result_set, sop_instance_uid);
CREATE INDEX inbound_instance_partner    ON inbound_instance (partner, sop_instance_uid);

-- The same instances with the identity given back, on their way to the clinical PACS.
CREATE TABLE return_instance (
  id                  TEXT   PRIMARY KEY NOT NULL,
  result_set          TEXT   NOT NULL,
  study_instance_uid  TEXT   NOT NULL,
  series_instance_uid TEXT   NOT NULL,
  sop_instance_uid    TEXT   NOT NULL,
  sop_class_uid       TEXT   NOT NULL,
  transfer_syntax_uid TEXT   NOT NULL,
  location            TEXT   NOT NULL,
  bytes               BIGINT NOT NULL,
  blake3              BYTEA  NOT NULL,
  state               TEXT   NOT NULL CHECK (state IN ('waiting', 'sent', 'confirmed', 'failed')),
  status              TEXT   NOT NULL,
  pushes              INTEGER NOT NULL DEFAULT 0,
  state_at            BIGINT NOT NULL
);
CREATE INDEX return_instance_set ON return_instance (result_set, state);

-- Storage commitment asked of the clinical PACS: its report names nothing but the transaction (PS3.4 J.3).
CREATE TABLE commitment (
  transaction_uid TEXT   PRIMARY KEY NOT NULL,
  result_set      TEXT   NOT NULL,
  node            TEXT   NOT NULL,
  requested_at    BIGINT NOT NULL,
  reported_at     BIGINT
);
CREATE INDEX commitment_set ON commitment (result_set);

-- Hashes of identities, by what they are of: what a person was asked about, and what was written. They say whether it is still the same.
CREATE TABLE identity_evidence (
  result_set TEXT  NOT NULL,
  subject    TEXT  NOT NULL,
  blake3     BYTEA NOT NULL,
  PRIMARY KEY (result_set, subject)
);
