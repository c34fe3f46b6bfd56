-- What a partner dropped and is no DICOM object (flow table 8.3): kept beside the archive, never pushed. Its name stays with the partner:
-- nobody knows what is in it. The object is in Z4, under the same id.
CREATE TABLE side_result (
  id      TEXT   PRIMARY KEY NOT NULL,
  job     TEXT   NOT NULL,
  study   TEXT   NOT NULL,
  project TEXT   NOT NULL,
  partner TEXT   NOT NULL,
  form    TEXT   NOT NULL,
  bytes   BIGINT NOT NULL,
  sha256  BYTEA  NOT NULL,
  kept_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX side_result_content ON side_result (study, partner, sha256);
CREATE INDEX side_result_job            ON side_result (job);
