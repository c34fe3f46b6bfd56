-- Who may work on what, and when. The states of the business live in tables of their own.

CREATE TABLE job_queue (
  id             TEXT     PRIMARY KEY NOT NULL,
  kind           TEXT     NOT NULL,
  subject        TEXT     NOT NULL,
  partner        TEXT,
  dedup_key      TEXT,
  state          TEXT     NOT NULL CHECK (state IN ('ready', 'leased', 'done', 'attention')),
  run_at         BIGINT   NOT NULL,
  attempts       INTEGER  NOT NULL,
  lease_owner    TEXT,
  lease_until    BIGINT,
  lease_token    TEXT,
  last_error     TEXT,
  created_at     BIGINT   NOT NULL,
  updated_at     BIGINT   NOT NULL
);
CREATE INDEX job_queue_ready   ON job_queue (run_at, id) WHERE state = 'ready';
CREATE INDEX job_queue_lease   ON job_queue (lease_until)               WHERE state = 'leased';
CREATE INDEX job_queue_done    ON job_queue (updated_at)                WHERE state = 'done';
CREATE INDEX job_queue_subject ON job_queue (subject);
CREATE INDEX job_queue_partner ON job_queue (partner)                   WHERE state = 'leased' AND partner IS NOT NULL;
CREATE UNIQUE INDEX job_queue_dedup ON job_queue (dedup_key)            WHERE state IN ('ready', 'leased');

-- What a partner allows; without a row it allows everything.
CREATE TABLE partner_lane (
  partner     TEXT     PRIMARY KEY NOT NULL,
  concurrency INTEGER  NOT NULL,
  paused      SMALLINT NOT NULL,
  not_before  BIGINT   NOT NULL,
  claimed_at  BIGINT   NOT NULL
);

-- Timers: what becomes due is taken by one program alone.
CREATE TABLE schedule (
  name        TEXT   PRIMARY KEY NOT NULL,
  next_run_at BIGINT NOT NULL,
  interval_ms BIGINT NOT NULL,
  last_run_at BIGINT
);
CREATE INDEX schedule_due ON schedule (next_run_at);
