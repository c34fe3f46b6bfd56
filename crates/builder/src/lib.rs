//! The configuration document `site.toml` (ARC-4): what the builder form writes is exactly what the server reads.
//!
//! This crate assembles the configuration types of the crates below it into one root, [`Site`], reads and checks it. Its place: above
//! `pipeline`, of which it uses the types and no function. The form, the Helm chart and the image come here with their issues.

mod overlay;
mod problem;
mod site;

pub use overlay::VARIABLE_PREFIX;
pub use problem::Problem;
pub use site::{ConfigError, DicomConfig, HttpConfig, Site, SiteConfig};

/// An example of `site.toml` with comments, for `config example`.
pub const EXAMPLE: &str = include_str!("example.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_configuration_without_problems() {
        assert_eq!(Site::parse(EXAMPLE, []).unwrap().problems(), []);
    }
}
