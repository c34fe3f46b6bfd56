-- How often in a row the program ended while it worked on a job: one that makes it end is not tried for ever.
ALTER TABLE job_queue ADD COLUMN interrupted INTEGER NOT NULL DEFAULT 0;
