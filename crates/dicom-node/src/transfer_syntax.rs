//! Transfer syntaxes of PS3.5 Annex A, in our order of preference.
//!
//! A presentation context gets exactly one transfer syntax, and the sender then converts to it. We want what spares
//! the sender a conversion and never costs pixel information:
//! 1. one configured by the administrator,
//! 2. a lossy syntax that the sender names first: that is what it has,
//! 3. a lossless encapsulated syntax: the original, or equal to it,
//! 4. explicit before implicit before deflated before big endian,
//! 5. any other lossy syntax.
//!
//! Left out: JPIP (the pixels stay elsewhere), real-time video over RTP, MIME, XML and Papyrus (no data set encoding).

/// Implicit VR Little Endian, the default transfer syntax (PS3.5 §10.1).
pub const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
/// Explicit VR Little Endian.
pub const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lossless,
    Native,
    Lossy,
}
use Kind::{Lossless, Lossy, Native};

/// Accepted transfer syntaxes, most wanted first (PS3.5 Annex A, PS3.6 Table A-1).
#[rustfmt::skip]
const PREFERENCE: &[(&str, Kind)] = &[
    ("1.2.840.10008.1.2.4.80",  Lossless), // JPEG-LS Lossless
    ("1.2.840.10008.1.2.4.70",  Lossless), // JPEG Lossless, first-order prediction
    ("1.2.840.10008.1.2.4.57",  Lossless), // JPEG Lossless, process 14
    ("1.2.840.10008.1.2.4.90",  Lossless), // JPEG 2000 (lossless only)
    ("1.2.840.10008.1.2.4.201", Lossless), // HTJ2K (lossless only)
    ("1.2.840.10008.1.2.4.202", Lossless), // HTJ2K with RPCL (lossless only)
    ("1.2.840.10008.1.2.4.92",  Lossless), // JPEG 2000 part 2 (lossless only)
    ("1.2.840.10008.1.2.4.110", Lossless), // JPEG XL lossless
    ("1.2.840.10008.1.2.5",     Lossless), // RLE
    ("1.2.840.10008.1.2.8.1",   Lossless), // Deflated image frame
    ("1.2.840.10008.1.2.1.98",  Lossless), // Encapsulated uncompressed
    ("1.2.840.10008.1.2.4.58",  Lossless), // JPEG Lossless, process 15 (retired)
    ("1.2.840.10008.1.2.4.65",  Lossless), // JPEG Lossless, hierarchical, process 28 (retired)
    ("1.2.840.10008.1.2.4.66",  Lossless), // JPEG Lossless, hierarchical, process 29 (retired)
    (EXPLICIT_LITTLE,           Native),
    (IMPLICIT_LITTLE,           Native),
    ("1.2.840.10008.1.2.1.99",  Native),   // Deflated explicit
    ("1.2.840.10008.1.2.2",     Native),   // Explicit big endian (retired)
    ("1.2.840.10008.1.2.4.111", Lossy),    // JPEG XL JPEG recompression
    ("1.2.840.10008.1.2.4.91",  Lossy),    // JPEG 2000
    ("1.2.840.10008.1.2.4.203", Lossy),    // HTJ2K
    ("1.2.840.10008.1.2.4.81",  Lossy),    // JPEG-LS near-lossless
    ("1.2.840.10008.1.2.4.51",  Lossy),    // JPEG Extended
    ("1.2.840.10008.1.2.4.50",  Lossy),    // JPEG Baseline
    ("1.2.840.10008.1.2.4.93",  Lossy),    // JPEG 2000 part 2
    ("1.2.840.10008.1.2.4.112", Lossy),    // JPEG XL
    ("1.2.840.10008.1.2.4.100", Lossy),    // MPEG2 main level
    ("1.2.840.10008.1.2.4.100.1", Lossy),
    ("1.2.840.10008.1.2.4.101", Lossy),    // MPEG2 high level
    ("1.2.840.10008.1.2.4.101.1", Lossy),
    ("1.2.840.10008.1.2.4.102", Lossy),    // H.264
    ("1.2.840.10008.1.2.4.102.1", Lossy),
    ("1.2.840.10008.1.2.4.103", Lossy),
    ("1.2.840.10008.1.2.4.103.1", Lossy),
    ("1.2.840.10008.1.2.4.104", Lossy),
    ("1.2.840.10008.1.2.4.104.1", Lossy),
    ("1.2.840.10008.1.2.4.105", Lossy),
    ("1.2.840.10008.1.2.4.105.1", Lossy),
    ("1.2.840.10008.1.2.4.106", Lossy),
    ("1.2.840.10008.1.2.4.106.1", Lossy),
    ("1.2.840.10008.1.2.4.107", Lossy),    // H.265
    ("1.2.840.10008.1.2.4.108", Lossy),
    ("1.2.840.10008.1.2.4.52",  Lossy),    // JPEG processes 3, 6 to 11, 16 to 27 (retired)
    ("1.2.840.10008.1.2.4.53",  Lossy),
    ("1.2.840.10008.1.2.4.54",  Lossy),
    ("1.2.840.10008.1.2.4.55",  Lossy),
    ("1.2.840.10008.1.2.4.56",  Lossy),
    ("1.2.840.10008.1.2.4.59",  Lossy),
    ("1.2.840.10008.1.2.4.60",  Lossy),
    ("1.2.840.10008.1.2.4.61",  Lossy),
    ("1.2.840.10008.1.2.4.62",  Lossy),
    ("1.2.840.10008.1.2.4.63",  Lossy),
    ("1.2.840.10008.1.2.4.64",  Lossy),
];

/// The one transfer syntax that we accept out of `proposed` for a storage context; `None` if we know none of them.
/// `extra` are those that the administrator added.
pub(crate) fn choose<'a>(proposed: &'a [String], extra: &[String]) -> Option<&'a str> {
    if let Some(wanted) = extra.iter().find_map(|wanted| proposed.iter().find(|p| *p == wanted)) {
        return Some(wanted);
    }
    if let Some(first) = proposed.first()
        && PREFERENCE.iter().any(|(uid, kind)| uid == first && *kind == Lossy)
    {
        return Some(first);
    }
    PREFERENCE.iter().find_map(|(uid, _)| proposed.iter().find(|p| p == uid)).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(proposed: &[&str]) -> Option<String> {
        let proposed: Vec<String> = proposed.iter().map(|s| (*s).to_owned()).collect();
        choose(&proposed, &["1.3.46.670589.33.1.4.1".to_owned()]).map(str::to_owned)
    }

    #[test]
    fn the_senders_original_is_preferred_and_nothing_is_lost() {
        const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
        const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
        const BIG: &str = "1.2.840.10008.1.2.2";
        const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
        const PRIVATE: &str = "1.3.46.670589.33.1.4.1";
        let cases: [(&[&str], &str); 8] = [
            (&[IMPLICIT_LITTLE, EXPLICIT_LITTLE], EXPLICIT_LITTLE),
            (&[BIG, IMPLICIT_LITTLE], IMPLICIT_LITTLE),
            (&[BIG], BIG),
            (&[DEFLATED, EXPLICIT_LITTLE], EXPLICIT_LITTLE),
            (&[EXPLICIT_LITTLE, JPEG_LOSSLESS], JPEG_LOSSLESS),
            (&[JPEG_BASELINE, EXPLICIT_LITTLE], JPEG_BASELINE),
            (&[EXPLICIT_LITTLE, JPEG_BASELINE], EXPLICIT_LITTLE),
            (&[EXPLICIT_LITTLE, PRIVATE], PRIVATE),
        ];
        for (proposed, expected) in cases {
            assert_eq!(chosen(proposed).as_deref(), Some(expected), "{proposed:?}");
        }
        assert_eq!(chosen(&["1.2.3.4.5"]), None);
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn no_syntax_is_listed_twice() {
        let mut uids: Vec<_> = PREFERENCE.iter().map(|(uid, _)| uid).collect();
        uids.sort();
        uids.dedup();
        assert_eq!(uids.len(), PREFERENCE.len());
    }
}
