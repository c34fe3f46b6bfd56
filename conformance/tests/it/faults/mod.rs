//! Faults while four associations push: whatever was answered with 0x0000 is there after a restart, once, byte for byte (INV-11, ACX.3).

mod clock;
mod disk_full;
mod ledger;
mod loss;
mod pushing;
mod sync;
