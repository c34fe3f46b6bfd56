//! `profile diff`: what two profiles do differently.

use std::collections::BTreeSet;

use anyhow::Context;
use deidentification::{CompiledProfile, DefaultEffect};
use serde_json::Value;

use super::locale::Locale;
use super::show::{effect, of_attribute};

/// One line for each difference; empty when both do the same. `names` tell the two apart, as the profiles' own may not.
///
/// # Errors
/// A profile that cannot be written as JSON, which none is.
pub(super) fn lines(
    first: &CompiledProfile,
    second: &CompiledProfile,
    names: [&str; 2],
    locale: &Locale,
) -> anyhow::Result<Vec<String>> {
    let (a, b) = (first.explain(), second.explain());
    let changed = |what: &str, first: &str, second: &str| {
        locale.say("diff", "changed", &[("what", what), ("first", first), ("second", second)])
    };
    let mut lines = settings(first, second, names, locale)?;
    for (a, b) in a.attributes.iter().zip(&b.attributes) {
        let (before, after) = (of_attribute(a, locale), of_attribute(b, locale));
        if before != after {
            lines.push(changed(&format!("{} {}", a.tag, a.keyword), &before, &after));
        }
    }
    for (vr, before, after) in beyond(&a.defaults, &b.defaults) {
        let what = format!("VR {vr}, {}", locale.text("because", "default"));
        let of = |line: &DefaultEffect| effect(line.effect, locale);
        lines.push(changed(&what, &of(before), &of(after)));
    }
    if !lines.is_empty() {
        lines.insert(0, changed("hash", a.hash, b.hash));
    }
    Ok(lines)
}

/// VRs that get something else beyond the table.
fn beyond<'a>(
    first: &'a [DefaultEffect],
    second: &'a [DefaultEffect],
) -> Vec<(&'a str, &'a DefaultEffect, &'a DefaultEffect)> {
    let by_vr = |lines: &'a [DefaultEffect]| {
        lines.iter().flat_map(|line| line.vrs.iter().map(move |vr| (vr.as_str(), line)))
    };
    let pairs = by_vr(first).filter_map(|(vr, before)| {
        let (_, after) = by_vr(second).find(|(other, _)| *other == vr)?;
        (before.effect != after.effect).then_some((vr, before, after))
    });
    pairs.collect()
}

/// Keys of the files: name and version, options, rules one by one, all others as they are written.
fn settings(
    first: &CompiledProfile,
    second: &CompiledProfile,
    names: [&str; 2],
    locale: &Locale,
) -> anyhow::Result<Vec<String>> {
    let (a, b) = (serde_json::to_value(first.profile())?, serde_json::to_value(second.profile())?);
    let (a, b) = (a.as_object().context("no table")?, b.as_object().context("no table")?);
    let only = |place: usize, what: &str| {
        let key = ["only_first", "only_second"].get(place).copied().unwrap_or_default();
        let name = names.get(place).copied().unwrap_or_default();
        locale.say("diff", key, &[("name", name), ("what", what)])
    };
    let mut lines = Vec::new();
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).filter(|key| *key != "summary").collect();
    for key in keys {
        match (a.get(key), b.get(key)) {
            (one, other) if one == other => {}
            (Some(Value::Array(one)), Some(Value::Array(other))) => {
                let gone = one.iter().filter(|item| !other.contains(item));
                lines.extend(gone.map(|item| only(0, &format!("{key} {}", plain(item)))));
                let new = other.iter().filter(|item| !one.contains(item));
                lines.extend(new.map(|item| only(1, &format!("{key} {}", plain(item)))));
            }
            (Some(one), Some(other)) => {
                let words = [("what", key.as_str()), ("first", &plain(one)), ("second", &plain(other))];
                lines.push(locale.say("diff", "changed", &words));
            }
            (Some(one), None) => lines.push(only(0, &format!("{key} {}", plain(one)))),
            (None, Some(other)) => lines.push(only(1, &format!("{key} {}", plain(other)))),
            (None, None) => {}
        }
    }
    Ok(lines)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
