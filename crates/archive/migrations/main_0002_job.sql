-- Jobs and result sets: our own ids only. One row per increment of a job; its first increment gives the job its name.

CREATE TABLE job (
  id               TEXT     PRIMARY KEY NOT NULL,
  first_increment  TEXT     NOT NULL,
  increment        INTEGER  NOT NULL,
  project          TEXT     NOT NULL,
  partner          TEXT     NOT NULL,
  receiving_study  TEXT     NOT NULL,
  study            TEXT,
  participant      TEXT,
  reversible       SMALLINT NOT NULL,
  state            TEXT     NOT NULL,
  before_attention TEXT,
  expected_by      BIGINT,
  overdue_at       BIGINT,
  created_at       BIGINT   NOT NULL,
  updated_at       BIGINT   NOT NULL
);
CREATE UNIQUE INDEX job_receiving_study ON job (receiving_study, partner);
CREATE INDEX job_state    ON job (state, partner, id);
CREATE INDEX job_expected ON job (expected_by) WHERE state = 'awaiting-result';
CREATE INDEX job_study    ON job (study);
CREATE INDEX job_project  ON job (project, id);
CREATE INDEX job_participant ON job (participant);

CREATE TABLE result_set (
  id               TEXT    PRIMARY KEY NOT NULL,
  job              TEXT    NOT NULL REFERENCES job (id),
  project          TEXT    NOT NULL,
  partner          TEXT    NOT NULL,
  version          INTEGER NOT NULL,
  state            TEXT    NOT NULL,
  before_attention TEXT,
  before_expired   TEXT,
  created_at       BIGINT  NOT NULL,
  updated_at       BIGINT  NOT NULL
);
CREATE UNIQUE INDEX result_set_version ON result_set (job, version);
CREATE INDEX result_set_state   ON result_set (state, id);
CREATE INDEX result_set_project ON result_set (project, id);

-- What a person is asked about a result set in `manual`, one row per reason, with the proposal where the rule gives one; accepted_at when
-- a person accepted it, identity when the person had to choose one. What is asked again is open again.
CREATE TABLE result_question (
  result_set  TEXT   NOT NULL REFERENCES result_set (id),
  reason      TEXT   NOT NULL,
  participant TEXT,
  study       TEXT,
  identity    TEXT,
  asked_at    BIGINT NOT NULL,
  accepted_at BIGINT,
  PRIMARY KEY (result_set, reason)
);

-- The UIDs that objects of a partner got in place of their own when they went back to the clinical PACS.
CREATE TABLE regenerated_uid (
  job TEXT NOT NULL REFERENCES job (id),
  uid TEXT NOT NULL,
  PRIMARY KEY (job, uid)
);

-- Every change of a state, never updated: who, when, why, under which dossier and which gate evaluation.
CREATE TABLE state_change (
  id              TEXT   PRIMARY KEY NOT NULL,
  machine         TEXT   NOT NULL,
  subject         TEXT   NOT NULL,
  event           TEXT   NOT NULL,
  from_state      TEXT   NOT NULL,
  to_state        TEXT   NOT NULL,
  actor_kind      TEXT   NOT NULL,
  actor           TEXT   NOT NULL,
  cause           TEXT   NOT NULL,
  dossier_version TEXT   NOT NULL,
  gate_hash       TEXT,
  at              BIGINT NOT NULL
);
CREATE INDEX state_change_subject ON state_change (subject, id);
