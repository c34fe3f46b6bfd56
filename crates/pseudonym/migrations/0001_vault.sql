-- Zone Z2 (flow.md 0.3, table 8.2). In clear: own ids, codes, pseudonym UIDs, shifted dates, keyed hashes. Sealed: all else.

CREATE TABLE wrapping_key (
    key_id     TEXT PRIMARY KEY NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    -- set by the rotation that replaced it; exactly one key is not retired, and its row is the lock of the vault
    retired_at BIGINT
);

-- one row: the secret behind lookup, list and log keys; wrapped, never rotated
CREATE TABLE root_secret (
    id     SMALLINT PRIMARY KEY NOT NULL CHECK (id = 1),
    key_id TEXT NOT NULL REFERENCES wrapping_key (key_id),
    secret BYTEA NOT NULL
);

CREATE TABLE participant (
    id          TEXT PRIMARY KEY NOT NULL,
    project     TEXT NOT NULL,
    code        TEXT NOT NULL,
    shift_first INTEGER NOT NULL,
    shift_last  INTEGER NOT NULL,
    -- NULL once erased: what is sealed under the secret is lost, the code stays reserved
    key_id      TEXT REFERENCES wrapping_key (key_id),
    secret      BYTEA,
    merged_into TEXT REFERENCES participant (id),
    created_at  BIGINT NOT NULL,
    erased_at   BIGINT,
    CHECK ((secret IS NULL) = (erased_at IS NOT NULL) AND (secret IS NULL) = (key_id IS NULL))
);
CREATE UNIQUE INDEX participant_code ON participant (project, UPPER(code));
CREATE INDEX participant_wrapped ON participant (key_id, id);
CREATE INDEX participant_merged ON participant (merged_into);

-- which participant a patient is (DEC-Q); a merge or correction adds a row or turns it to another participant
CREATE TABLE participant_key (
    subject_hash BYTEA PRIMARY KEY NOT NULL,
    participant  TEXT NOT NULL REFERENCES participant (id),
    subject      BYTEA NOT NULL,
    added_at     BIGINT NOT NULL
);
CREATE INDEX participant_key_participant ON participant_key (participant);

-- identity as received, per DICOM study; more than one row when series of a study differ in it
CREATE TABLE own_record (
    participant TEXT NOT NULL REFERENCES participant (id),
    study_hash  BYTEA NOT NULL,
    record_hash BYTEA NOT NULL,
    record      BYTEA NOT NULL,
    -- keyed hashes of name and birth date, NULL where there is none: a study is of one person
    name_hash   BYTEA,
    birth_hash  BYTEA,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (participant, study_hash, record_hash)
);

-- pseudonym -> original of the project's own mapping; study '' = imported from an existing correspondence
CREATE TABLE mapped_uid (
    pseudonym   TEXT NOT NULL,
    participant TEXT NOT NULL REFERENCES participant (id),
    study       TEXT NOT NULL,
    kind        SMALLINT NOT NULL,
    original    BYTEA NOT NULL,
    PRIMARY KEY (pseudonym, participant, study)
);
CREATE INDEX mapped_uid_study ON mapped_uid (participant, study, kind);

-- dates as shifted by the project's own mapping, yyyymmdd
CREATE TABLE mapped_date (
    participant TEXT NOT NULL REFERENCES participant (id),
    study       TEXT NOT NULL,
    value       BIGINT NOT NULL,
    PRIMARY KEY (participant, study, value)
);

-- a partner keeps the linkage it was first issued under (DEC-J)
CREATE TABLE partner_linkage (
    project TEXT NOT NULL,
    partner TEXT NOT NULL,
    linkage SMALLINT NOT NULL,
    since   BIGINT NOT NULL,
    PRIMARY KEY (project, partner)
);

CREATE TABLE partner_code (
    project     TEXT NOT NULL,
    partner     TEXT NOT NULL,
    participant TEXT NOT NULL REFERENCES participant (id),
    code        TEXT NOT NULL,
    PRIMARY KEY (project, partner, participant)
);
CREATE UNIQUE INDEX partner_code_code ON partner_code (project, partner, UPPER(code));

CREATE TABLE export_record (
    id          TEXT PRIMARY KEY NOT NULL,
    project     TEXT NOT NULL,
    partner     TEXT NOT NULL,
    participant TEXT NOT NULL REFERENCES participant (id),
    study       TEXT NOT NULL,
    code        TEXT NOT NULL,
    linkage     SMALLINT NOT NULL,
    dossier     TEXT NOT NULL,
    issued_at   BIGINT NOT NULL
);
CREATE INDEX export_record_code ON export_record (project, partner, code);

-- what was given out; base = the pseudonym of mapped_uid that it stands for (the same under linkage project)
CREATE TABLE issued_uid (
    pseudonym     TEXT NOT NULL,
    project       TEXT NOT NULL,
    partner       TEXT NOT NULL,
    participant   TEXT NOT NULL REFERENCES participant (id),
    kind          SMALLINT NOT NULL,
    base          TEXT NOT NULL,
    export_record TEXT NOT NULL REFERENCES export_record (id),
    PRIMARY KEY (pseudonym, project, partner, participant)
);

CREATE TABLE inclusion (
    subject_hash BYTEA PRIMARY KEY NOT NULL,
    project      TEXT NOT NULL,
    subject      BYTEA NOT NULL,
    code         TEXT,
    consent_date BIGINT NOT NULL,
    form_version TEXT NOT NULL,
    added_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX inclusion_code ON inclusion (project, UPPER(code));

-- subject NULL = tombstone: the keyed hash alone, so that a later push is still recognised (DEC-S)
CREATE TABLE opposition (
    subject_hash BYTEA PRIMARY KEY NOT NULL,
    project      TEXT NOT NULL,
    subject      BYTEA,
    kind         SMALLINT NOT NULL,
    past_data    SMALLINT NOT NULL,
    date         BIGINT NOT NULL,
    added_at     BIGINT NOT NULL
);
CREATE INDEX opposition_project ON opposition (project);

-- who went from a pseudonym to an identity, or changed what identifies; rows are only ever added, each sealed to the one before
CREATE TABLE access_log (
    seq          BIGINT PRIMARY KEY NOT NULL,
    at           BIGINT NOT NULL,
    action       TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    project      TEXT NOT NULL,
    participant  TEXT NOT NULL,
    user_name    TEXT NOT NULL,
    application  TEXT NOT NULL,
    organisation TEXT NOT NULL,
    reason       BYTEA NOT NULL,
    mac          BYTEA NOT NULL
);
CREATE TABLE access_log_head (
    id  SMALLINT PRIMARY KEY NOT NULL CHECK (id = 1),
    seq BIGINT NOT NULL,
    mac BYTEA NOT NULL
);
