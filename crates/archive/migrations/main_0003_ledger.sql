-- What happened to each instance, never updated: what, to whom, when, hash, dossier version; no identity.
CREATE TABLE ledger (
  id              TEXT   PRIMARY KEY NOT NULL,
  at              BIGINT NOT NULL,
  event           TEXT   NOT NULL,
  project         TEXT   NOT NULL,
  job             TEXT,
  result_set      TEXT,
  instance        TEXT   NOT NULL,
  destination     TEXT   NOT NULL,
  hash            TEXT   NOT NULL,
  bytes           BIGINT NOT NULL,
  dossier_version TEXT   NOT NULL,
  gate_hash       TEXT,
  cause           TEXT   NOT NULL
);
CREATE INDEX ledger_job        ON ledger (job, event, instance)        WHERE job IS NOT NULL;
CREATE INDEX ledger_result_set ON ledger (result_set, event, instance) WHERE result_set IS NOT NULL;
CREATE INDEX ledger_instance   ON ledger (instance, id);

-- Sums kept beside the lines, in the transaction that writes them.
CREATE TABLE ledger_total (
  project     TEXT   NOT NULL,
  event       TEXT   NOT NULL,
  destination TEXT   NOT NULL,
  lines       BIGINT NOT NULL,
  bytes       BIGINT NOT NULL,
  PRIMARY KEY (project, event, destination)
);
