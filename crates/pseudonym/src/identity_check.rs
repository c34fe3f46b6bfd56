//! Does a code show who the person is? (C13: no name, no initials, no birth date, no patient id.)

use unicode_normalization::UnicodeNormalization;

use crate::code::CodeError;

/// What is known of a person when a code is given, as decoded text; an empty text means not known.
#[derive(Clone, Copy, Default)]
pub struct KnownIdentity<'a> {
    /// Patient ID (0010,0020).
    pub patient_id: &'a str,
    /// Patient's Name (0010,0010) with its `^` and `=` (PS3.5 §6.2.1).
    pub name: &'a str,
    /// Patient's Birth Date (0010,0030), yyyymmdd.
    pub birth_date: &'a str,
}

impl std::fmt::Debug for KnownIdentity<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("KnownIdentity(..)")
    }
}

/// An assigned code against what is known of its participant.
pub(crate) fn of_assigned(code: &str, known: &KnownIdentity<'_>) -> Result<(), CodeError> {
    let folded = letters_and_digits(code);
    let id = letters_and_digits(known.patient_id);
    // a number of up to three digits stands in many codes without being anyone's
    if folded == id || (id.len() >= 4 && folded.contains(&id)) {
        return Err(CodeError::ShowsPatientId);
    }
    of_random_part(code, known)
}

/// A code before anything but the patient id is known: a run of eight digits that reads as a date of birth is refused too.
pub(crate) fn of_listed(code: &str, patient_id: &str) -> Result<(), CodeError> {
    if code.split(|letter: char| !letter.is_ascii_digit()).any(reads_as_birth_date) {
        return Err(CodeError::ShowsBirthDate);
    }
    of_assigned(code, &KnownIdentity { patient_id, ..KnownIdentity::default() })
}

/// Name, initials and birth date; the patient id is left out, as digits of a random code may repeat a short one by chance.
pub(crate) fn of_random_part(code: &str, known: &KnownIdentity<'_>) -> Result<(), CodeError> {
    let folded = letters_and_digits(code);
    let groups: Vec<Vec<Vec<String>>> = known.name.split('=').map(components).collect();
    let mut words = groups.iter().flatten().flatten().filter(|word| word.chars().count() >= 3);
    if words.any(|word| folded.contains(word.as_str())) {
        return Err(CodeError::ShowsName);
    }
    let upper = code.to_ascii_uppercase();
    let runs: Vec<&str> = upper.split(|letter: char| !letter.is_ascii_alphabetic()).collect();
    if groups.iter().flat_map(|group| initials(group)).any(|shown| runs.contains(&shown.as_str())) {
        return Err(CodeError::ShowsInitials);
    }
    let digits: String = code.chars().filter(char::is_ascii_digit).collect();
    if spellings(known.birth_date).iter().any(|date| digits.contains(date.as_str())) {
        return Err(CodeError::ShowsBirthDate);
    }
    Ok(())
}

/// Capitals without accents, and digits; all else dropped.
pub(crate) fn letters_and_digits(text: &str) -> String {
    text.nfd().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// The words of each component of a name: family, given, middle, prefix, suffix.
fn components(group: &str) -> Vec<Vec<String>> {
    let words = |component: &str| -> Vec<String> {
        component
            .split([' ', '-', '\'', '.', ','])
            .map(letters_and_digits)
            .filter(|word| !word.is_empty())
            .collect()
    };
    group.split('^').map(words).collect()
}

/// First letters in the usual orders, with and without the middle name; at least two letters.
fn initials(group: &[Vec<String>]) -> Vec<String> {
    let letters = |at: usize| -> String {
        group.get(at).into_iter().flatten().filter_map(|word| word.chars().next()).collect()
    };
    let first = |text: &str| -> String { text.chars().take(1).collect() };
    let (family, given, middle) = (letters(0), letters(1), letters(2));
    let (f, g) = (first(&family), first(&given));
    [
        format!("{f}{g}"),
        format!("{g}{f}"),
        format!("{family}{given}{middle}"),
        format!("{given}{middle}{family}"),
        format!("{f}{g}{middle}"),
        format!("{g}{middle}{f}"),
    ]
    .into_iter()
    .filter(|shown| shown.chars().count() >= 2)
    .collect()
}

/// How people write a date as digits: year first, day first, month first, with four or two digits of the year.
fn spellings(birth_date: &str) -> Vec<String> {
    let parts = (birth_date.get(..4), birth_date.get(2..4), birth_date.get(4..6), birth_date.get(6..8));
    let (Some(year), Some(short), Some(month), Some(day)) = parts else { return Vec::new() };
    vec![
        format!("{year}{month}{day}"),
        format!("{day}{month}{year}"),
        format!("{month}{day}{year}"),
        format!("{short}{month}{day}"),
        format!("{day}{month}{short}"),
        format!("{month}{day}{short}"),
    ]
}

fn reads_as_birth_date(run: &str) -> bool {
    let number =
        |from: usize, to: usize| run.get(from..to).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    let plausible = |year: u32, month: u32, day: u32| {
        (1900..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
    };
    run.len() == 8
        && (plausible(number(0, 4), number(4, 6), number(6, 8))
            || plausible(number(4, 8), number(2, 4), number(0, 2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARTIN: KnownIdentity<'_> = KnownIdentity {
        patient_id: "00-4711",
        name: "Lefèvre Dubois^Anne Marie^Zoé",
        birth_date: "19570301",
    };

    #[test]
    fn codes_that_show_the_person_are_refused() {
        for (code, error) in [
            ("S1-004711", CodeError::ShowsPatientId),
            ("00.4711", CodeError::ShowsPatientId),
            ("LEFEVRE1", CodeError::ShowsName),
            ("x-Marie-2", CodeError::ShowsName),
            ("01AL7", CodeError::ShowsInitials),
            ("la-003", CodeError::ShowsInitials),
            ("AMZLD-1", CodeError::ShowsInitials),
            ("S-570301", CodeError::ShowsBirthDate),
            ("S-01-03-1957", CodeError::ShowsBirthDate),
            ("S.030157", CodeError::ShowsBirthDate),
        ] {
            assert_eq!(of_assigned(code, &MARTIN), Err(error), "{code}");
        }
    }

    #[test]
    fn codes_that_show_nobody_pass() {
        for code in ["SITE-001", "FR07-XK-12", "ALPHA-9", "4712"] {
            assert_eq!(of_assigned(code, &MARTIN), Ok(()), "{code}");
        }
        assert_eq!(of_assigned("AB-1", &KnownIdentity::default()), Ok(()));
    }

    #[test]
    fn a_list_line_is_judged_by_its_digits() {
        for code in ["P19570301", "01031957-A"] {
            assert_eq!(of_listed(code, "x"), Err(CodeError::ShowsBirthDate), "{code}");
        }
        for code in ["P1957", "P19571399", "FR-00012345", "195703011"] {
            assert_eq!(of_listed(code, "x"), Ok(()), "{code}");
        }
        assert_eq!(of_listed("P-4711", "4711"), Err(CodeError::ShowsPatientId));
        assert_eq!(of_listed("7", "7"), Err(CodeError::ShowsPatientId));
    }

    #[test]
    fn names_in_other_scripts_are_searched_as_well() {
        let known = KnownIdentity {
            name: "Yamada^Tarou=山田^太郎=やまだ^たろう",
            ..KnownIdentity::default()
        };
        assert_eq!(of_assigned("TY-4", &known), Err(CodeError::ShowsInitials));
        assert_eq!(of_assigned("YAMADA4", &known), Err(CodeError::ShowsName));
        assert_eq!(of_assigned("X-4", &known), Ok(()));
    }
}
