-- whether another set in the inbound area brought a series of this UID (RR-7)
CREATE INDEX inbound_instance_series ON inbound_instance (series_instance_uid);
