//! Where messages of a demonstration end: a mail server and a webhook that keep what they get.

mod smtp;
mod webhook;

pub use smtp::{Mail, MailSink};
pub use webhook::{Webhook, WebhookSink};

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Messages that a sink keeps; older ones are forgotten.
const KEPT: usize = 1000;
/// Longest message, in bytes.
const LONGEST: usize = 1 << 20;

/// The newest messages, and how many there were in all.
#[derive(Debug)]
struct Kept<T>(Mutex<(VecDeque<T>, usize)>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new((VecDeque::new(), 0)))
    }
}

impl<T: Clone> Kept<T> {
    fn push(&self, message: T) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0.len() >= KEPT {
            kept.0.pop_front();
        }
        kept.0.push_back(message);
        kept.1 += 1;
    }

    fn all(&self) -> Vec<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.iter().cloned().collect()
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}
