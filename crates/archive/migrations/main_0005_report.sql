-- What de-identification did to each instance (AC2.11): rules, places and counts, never a value. Objects of a series have few different ones.

CREATE TABLE deidentification_report (
  hash   TEXT PRIMARY KEY NOT NULL,
  report TEXT NOT NULL
);

CREATE TABLE instance_report (
  instance TEXT PRIMARY KEY NOT NULL,
  hash     TEXT NOT NULL REFERENCES deidentification_report (hash)
);
