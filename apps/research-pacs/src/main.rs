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
    exit::code(cli::Cli::parse().run())
}
