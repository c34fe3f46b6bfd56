//! One pass over a data set that leaves, into sequences stored as UN as well: every value is searched, markers and attributes are noted.

use std::io::{Cursor, Read, Seek};

use dicom_core::{Tag, VR};
use dicom_stream::{ElementPath, Limits, SourceError, Token, TokenSource, TransferSyntax, as_sequence};

use super::markers::Markers;
use super::search::Search;
use super::terms::Terms;
use super::{FINDINGS_MAX, Finding, FindingKind, Original, Promise};

/// What a pass over a data set found.
pub(super) struct Pass<'a> {
    search: Search<'a>,
    is_whole: bool,
    pub(super) findings: Vec<Finding>,
    pub(super) markers: Markers,
    pub(super) output: Original,
}

impl<'a> Pass<'a> {
    /// Reads `input` to its end; `is_whole`: markers and attributes are noted too.
    pub(super) fn over<R: Read + Seek>(
        terms: &'a Terms,
        promise: Option<&'a Promise>,
        is_whole: bool,
        input: R,
        syntax: &TransferSyntax,
        limits: Limits,
    ) -> Result<Self, SourceError> {
        let mut pass = Self {
            search: Search::new(terms, promise),
            is_whole,
            findings: Vec::new(),
            markers: Markers::default(),
            output: Original::default(),
        };
        pass.walk(&mut TokenSource::skimming(input, syntax, limits)?, None, limits)?;
        Ok(pass)
    }

    /// `outer`: the sequences around a sequence stored as UN; `None` for the data set itself.
    fn walk<R: Read + Seek>(
        &mut self,
        tokens: &mut TokenSource<R>,
        outer: Option<&[(Tag, u32)]>,
        limits: Limits,
    ) -> Result<(), SourceError> {
        let is_noted = outer.is_none() && self.is_whole;
        let mut depth = 0_usize;
        while let Some(token) = tokens.next_token()? {
            match token {
                Token::SequenceStart { .. } => depth += 1,
                Token::SequenceEnd { .. } => depth = depth.saturating_sub(1),
                _ => {}
            }
            let mut found = self.search.token(&token, depth > 0 || outer.is_some());
            let (mut nested, mut marker, mut passes_over) = (None, None, false);
            match token {
                Token::Value { header, value } => {
                    nested = stored_as_unknown(header.tag, header.vr, value, limits);
                    // What is read element by element is judged so: an option may retain one of them.
                    found = found.filter(|_| nested.is_none());
                    if is_noted && Markers::concerns(header.tag, depth) {
                        marker = Some(value.to_vec());
                    }
                }
                Token::BulkStart { .. } => passes_over = self.search.passes_over(),
                _ => {}
            }
            if is_noted {
                self.output.token(&token);
            }
            if passes_over {
                tokens.skip_bulk()?;
            }
            if let Some(kind) = found {
                self.found(joined(outer, &tokens.path()), kind);
            }
            if let Some(value) = marker {
                self.markers.value(&tokens.path(), &value);
            }
            if let Some(bytes) = nested {
                let path = tokens.path();
                let around: Vec<_> =
                    outer.unwrap_or_default().iter().chain(path.sequences()).copied().collect();
                let limits = Limits { depth: limits.depth.saturating_sub(1), ..limits };
                let syntax = &TransferSyntax::IMPLICIT_LITTLE;
                let mut inner = TokenSource::skimming(Cursor::new(bytes), syntax, limits)?;
                let set = self.search.enter();
                self.walk(&mut inner, Some(&around), limits)?;
                self.search.leave(set);
            }
        }
        Ok(())
    }

    fn found(&mut self, path: ElementPath, kind: FindingKind) {
        let finding = Finding { path, kind };
        if self.findings.len() < FINDINGS_MAX && self.findings.last() != Some(&finding) {
            self.findings.push(finding);
        }
    }
}

fn joined(outer: Option<&[(Tag, u32)]>, path: &ElementPath) -> ElementPath {
    let around = outer.unwrap_or_default().iter().chain(path.sequences()).copied().collect();
    match path.tag() {
        Some(tag) => ElementPath::nested(around, tag),
        None => path.clone(),
    }
}

/// The sequence that a value of VR UN is (PS3.5 6.2.2), or that a wrong VR hides.
fn stored_as_unknown(tag: Tag, vr: VR, value: &[u8], limits: Limits) -> Option<Vec<u8>> {
    let may_be = matches!(vr, VR::UN | VR::OB | VR::OW) && value.starts_with(&[0xFE, 0xFF, 0x00, 0xE0]);
    may_be.then(|| as_sequence(tag, vr, value, limits)).flatten()
}
