-- Index of Z3: pseudonymised objects only. What is not yet cleared counts nowhere and is found by nobody.

CREATE TABLE patient (
  id           TEXT   PRIMARY KEY NOT NULL,
  project      TEXT   NOT NULL,
  patient_id   TEXT   NOT NULL,
  patient_name TEXT   NOT NULL,
  patient_sex  TEXT   NOT NULL,
  search_name  TEXT   COLLATE "binary" NOT NULL,
  studies      BIGINT NOT NULL
);
CREATE UNIQUE INDEX patient_code ON patient (project, patient_id);
CREATE INDEX patient_search      ON patient (project, search_name);

CREATE TABLE study (
  id                 TEXT   PRIMARY KEY NOT NULL,
  project            TEXT   NOT NULL,
  patient            TEXT   NOT NULL REFERENCES patient (id),
  study_instance_uid TEXT   NOT NULL,
  study_date         BIGINT NOT NULL,
  study_time         TEXT   NOT NULL,
  accession_number   TEXT   NOT NULL,
  study_id           TEXT   NOT NULL,
  study_description  TEXT   NOT NULL,
  series             BIGINT NOT NULL,
  instances          BIGINT NOT NULL,
  bytes              BIGINT NOT NULL,
  updated_at         BIGINT NOT NULL
);
CREATE UNIQUE INDEX study_uid  ON study (project, study_instance_uid);
CREATE INDEX study_day         ON study (project, study_date, id);
CREATE INDEX study_patient     ON study (patient, study_date, id);
CREATE INDEX study_accession   ON study (project, accession_number) WHERE accession_number <> '';

CREATE TABLE series (
  id                  TEXT    PRIMARY KEY NOT NULL,
  study               TEXT    NOT NULL REFERENCES study (id),
  series_instance_uid TEXT    NOT NULL,
  modality            TEXT    NOT NULL,
  series_number       INTEGER NOT NULL,
  series_description  TEXT    NOT NULL,
  body_part_examined  TEXT    NOT NULL,
  instances           BIGINT  NOT NULL,
  bytes               BIGINT  NOT NULL
);
CREATE UNIQUE INDEX series_uid ON series (study, series_instance_uid);

-- source is our own id of the increment of the study (out) or of the result set (back).
CREATE TABLE instance (
  id                  TEXT     PRIMARY KEY NOT NULL,
  project             TEXT     NOT NULL,
  series              TEXT     NOT NULL REFERENCES series (id),
  source              TEXT     NOT NULL,
  sop_instance_uid    TEXT     NOT NULL,
  sop_class_uid       TEXT     NOT NULL,
  transfer_syntax_uid TEXT     NOT NULL,
  instance_number     INTEGER  NOT NULL,
  number_of_frames    INTEGER  NOT NULL,
  location            TEXT     NOT NULL,
  bytes               BIGINT   NOT NULL,
  blake3              BYTEA    NOT NULL,
  differs             SMALLINT NOT NULL,
  cleared             SMALLINT NOT NULL,
  created_at          BIGINT   NOT NULL
);
CREATE UNIQUE INDEX instance_uid ON instance (project, sop_instance_uid, blake3);
CREATE INDEX instance_series     ON instance (series, instance_number, id);
CREATE INDEX instance_source     ON instance (source, id);

-- Sums kept beside the rows.
CREATE TABLE project_total (
  project   TEXT   PRIMARY KEY NOT NULL,
  patients  BIGINT NOT NULL,
  studies   BIGINT NOT NULL,
  series    BIGINT NOT NULL,
  instances BIGINT NOT NULL,
  bytes     BIGINT NOT NULL
);
