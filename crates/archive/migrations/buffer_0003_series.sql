-- Instances that wait until their study is complete, for what is done to whole series: admitted, and in no batch.
CREATE INDEX received_instance_aside ON received_instance (receiving_study) WHERE state = 'admitted' AND batch IS NULL;
