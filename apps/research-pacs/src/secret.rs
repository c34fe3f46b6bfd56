//! Secrets by reference: a file, or the name of a variable. The program alone reads them; no crate below it knows the environment.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use notification::Secret;

/// Bytes read of a file.
const LONGEST: u64 = 64 << 10;

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

/// Of a file that not everybody on the machine may read.
pub(crate) fn of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mode = file.metadata()?.mode() & 0o777;
    if mode & 0o007 != 0 {
        let text = format!("{} may be read by everybody (mode {mode:o}): chmod o= it", path.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    let mut text = String::new();
    file.by_ref().take(LONGEST).read_to_string(&mut text)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn of_variable(name: &str) -> io::Result<String> {
    std::env::var(name)
        .map_err(|_| io::Error::new(io::ErrorKind::NotFound, format!("variable {name} is not set")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_that_everybody_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "abc\n").unwrap();
        for (mode, is_good) in [(0o600, true), (0o640, true), (0o644, false), (0o602, false)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            assert_eq!(of_file(&path).ok(), is_good.then(|| "abc".to_owned()), "{mode:o}");
        }
    }
}
