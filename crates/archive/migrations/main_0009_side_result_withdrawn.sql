-- When the participant of a file that is kept beside withdrew, whatever state its job had ended in: the file leaves. Room is counted by partner.
ALTER TABLE side_result ADD COLUMN withdrawn_at BIGINT;
CREATE INDEX side_result_partner ON side_result (partner, study);
