-- Series Instance and Frame of Reference UIDs that results brought: whether another study's result has one already (RR-7).
CREATE TABLE defined_uid (
  uid TEXT NOT NULL,
  job TEXT NOT NULL REFERENCES job (id),
  PRIMARY KEY (uid, job)
);
