//! One file per transport to and from research partners
