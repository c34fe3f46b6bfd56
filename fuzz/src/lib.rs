//! What the targets share: data sets built from the bytes of the fuzzer, an identity planted in them, and outputs read back.

pub mod data_set;
pub mod output;
pub mod panics;
pub mod planted;
pub mod result;
