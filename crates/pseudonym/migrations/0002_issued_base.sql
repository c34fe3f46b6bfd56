-- what a partner sees in place of a UID of the archive; under linkage project it is the same and needs no row here
CREATE INDEX issued_uid_base ON issued_uid (base, project, partner) WHERE base <> pseudonym;
