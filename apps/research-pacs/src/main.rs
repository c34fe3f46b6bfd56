//! `research-pacs`: the one program. Wiring, command line and exit codes; everything else lives in the crates.

mod before_after;
mod cli;
mod exit;
mod http;
mod http_listener;
mod metrics;
mod recognition;
mod secret;
mod serve;
mod stores;

use clap::Parser;

fn main() -> std::process::ExitCode {
    // The only TLS provider of the program, before the first TLS use.
    let provider = rustls::crypto::ring::default_provider().install_default();
    debug_assert!(provider.is_ok(), "a provider was installed before");
    end_at_a_closed_pipe();
    exit::code(cli::Cli::parse().run())
}

/// Whoever reads the answer may have enough of it, as `head` has: that is no fault of the program.
fn end_at_a_closed_pipe() {
    let fault = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload_as_str().is_some_and(|text| text.starts_with("failed printing to stdout")) {
            std::process::exit(2);
        }
        fault(info);
    }));
}
