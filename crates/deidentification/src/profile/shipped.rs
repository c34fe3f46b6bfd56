//! Profiles that come with the program.

/// Name and text of each.
pub static SHIPPED: [(&str, &str); 6] = [
    ("basic", include_str!("../../data/profiles/basic.toml")),
    ("longitudinal-research", include_str!("../../data/profiles/longitudinal-research.toml")),
    ("tcia", include_str!("../../data/profiles/tcia.toml")),
    ("full-dates", include_str!("../../data/profiles/full-dates.toml")),
    ("teaching", include_str!("../../data/profiles/teaching.toml")),
    ("french-multicentre", include_str!("../../data/profiles/french-multicentre.toml")),
];
