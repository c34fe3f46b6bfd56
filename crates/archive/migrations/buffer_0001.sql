-- Rows about the receive buffer (Z1) and the quarantine (Z6). They hold original ids and UIDs: this is a database of its
-- own with its own purge, and nothing of it is copied into the main database but the ids that we made.

-- One increment of a DICOM study that arrives (AC1.5).
CREATE TABLE receiving_study (
  id                 TEXT    PRIMARY KEY NOT NULL,
  project            TEXT    NOT NULL,
  study_instance_uid TEXT    NOT NULL,
  increment          INTEGER NOT NULL,
  first_arrival      BIGINT  NOT NULL,
  last_activity      BIGINT  NOT NULL,
  instances          BIGINT  NOT NULL,
  bytes              BIGINT  NOT NULL,
  closed_at          BIGINT
);
CREATE UNIQUE INDEX receiving_study_open ON receiving_study (project, study_instance_uid) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX receiving_study_increment ON receiving_study (project, study_instance_uid, increment);

-- One instance as received. project is '' until a query rule has found it (DEC-B).
CREATE TABLE received_instance (
  id                   TEXT     PRIMARY KEY NOT NULL,
  project              TEXT     NOT NULL,
  receiving_study      TEXT     REFERENCES receiving_study (id),
  batch                TEXT,
  door                 TEXT     NOT NULL,
  calling              TEXT     NOT NULL,
  called               TEXT     NOT NULL,
  peer                 TEXT     NOT NULL,
  patient_id           TEXT     NOT NULL,
  issuer_of_patient_id TEXT     NOT NULL,
  assigning_authority  TEXT     NOT NULL,
  study_instance_uid   TEXT     NOT NULL,
  series_instance_uid  TEXT     NOT NULL,
  sop_instance_uid     TEXT     NOT NULL,
  sop_class_uid        TEXT     NOT NULL,
  transfer_syntax_uid  TEXT     NOT NULL,
  modality             TEXT     NOT NULL,
  spool                TEXT     NOT NULL,
  location             TEXT     NOT NULL,
  bytes                BIGINT   NOT NULL,
  blake3               BYTEA    NOT NULL,
  irregularities       TEXT     NOT NULL,
  differs              SMALLINT NOT NULL,
  already_deidentified SMALLINT NOT NULL,
  state                TEXT     NOT NULL CHECK (state IN ('received', 'admitted', 'deidentified', 'quarantined', 'released')),
  state_at             BIGINT   NOT NULL,
  received_at          BIGINT   NOT NULL
);
CREATE INDEX received_instance_uid     ON received_instance (sop_instance_uid);
CREATE INDEX received_instance_waiting ON received_instance (received_at) WHERE state = 'received' AND batch IS NULL;
CREATE INDEX received_instance_batch   ON received_instance (batch) WHERE batch IS NOT NULL;
CREATE INDEX received_instance_study   ON received_instance (receiving_study);
CREATE INDEX received_instance_person  ON received_instance (patient_id);
CREATE INDEX received_instance_age     ON received_instance (state, state_at);

-- Whose a study is that has no participant in the vault: in anonymise mode with the secret that its codes, UIDs and shift follow from, empty
-- where everything is kept as received. Destroyed when its jobs have ended (AC2.9).
CREATE TABLE study_subject (
  project             TEXT   NOT NULL,
  study_instance_uid  TEXT   NOT NULL,
  secret              BYTEA  NOT NULL,
  assigning_authority TEXT   NOT NULL,
  patient_id          TEXT   NOT NULL,
  patient_name        TEXT   NOT NULL,
  birth_date          TEXT   NOT NULL,
  created_at          BIGINT NOT NULL,
  PRIMARY KEY (project, study_instance_uid)
);

-- How far each spool is indexed; moves in the transaction that writes the rows (ARC-10).
CREATE TABLE spool_checkpoint (
  spool      TEXT PRIMARY KEY NOT NULL,
  checkpoint TEXT NOT NULL
);

-- Since when the configuration misses a project of which there is something here: its timer runs from then.
CREATE TABLE missing_project (
  project TEXT   PRIMARY KEY NOT NULL,
  since   BIGINT NOT NULL
);

-- What waits for a person, and what the person decided. recorded: the ledger has its line.
CREATE TABLE quarantine (
  id             TEXT   PRIMARY KEY NOT NULL,
  object         TEXT   NOT NULL,
  project        TEXT   NOT NULL,
  reason         TEXT   NOT NULL,
  detail         TEXT   NOT NULL,
  quarantined_at BIGINT NOT NULL,
  expires_at     BIGINT NOT NULL,
  recorded       SMALLINT NOT NULL,
  decision       TEXT,
  decided_by     TEXT,
  decided_at     BIGINT
);
CREATE INDEX quarantine_object ON quarantine (object);
CREATE INDEX quarantine_open   ON quarantine (expires_at) WHERE decision IS NULL;
CREATE INDEX quarantine_unrecorded ON quarantine (id) WHERE recorded = 0;
