//! Panics of decoders that others wrote are caught by `pixel`, and are no findings; every other one is.

use std::panic;
use std::sync::Once;

/// Lets panics of crates of a registry unwind. To be called before each run: libFuzzer's own hook, which ends the process, is set late.
pub fn let_decoders_unwind() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        let fatal = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !info.location().is_some_and(|at| at.file().contains("/registry/src/")) {
                fatal(info);
            }
        }));
    });
}
