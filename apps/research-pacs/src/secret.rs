//! Secrets by reference: a file, or the name of a variable. The program alone reads them; no crate below it knows the environment.

use std::io;
use std::path::Path;

use notification::Secret;

/// A secret of an e-mail server or webhook.
pub(crate) fn for_notification(reference: &notification::SecretRef) -> io::Result<Secret> {
    let text = match reference {
        notification::SecretRef::File(path) => of_file(path)?,
        notification::SecretRef::Env(name) => of_variable(name)?,
    };
    Ok(Secret::new(text.into_bytes()))
}

/// A token of a partner.
pub(crate) fn for_partner(reference: &partner::SecretRef) -> io::Result<String> {
    match reference {
        partner::SecretRef::File(path) => of_file(path),
        partner::SecretRef::Env(name) => of_variable(name),
    }
}

fn of_file(path: &Path) -> io::Result<String> {
    Ok(std::fs::read_to_string(path)?.trim_end_matches(['\r', '\n']).to_owned())
}

fn of_variable(name: &str) -> io::Result<String> {
    std::env::var(name)
        .map_err(|_| io::Error::new(io::ErrorKind::NotFound, format!("variable {name} is not set")))
}
