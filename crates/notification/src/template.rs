//! The text of a mail, from one template per language. The template sees the public form of the event and nothing else.

use std::io;
use std::path::{Path, PathBuf};

use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};

use crate::{ConfigError, DeliveryError, Event, EventType};

/// Language of a mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// French.
    #[default]
    Fr,
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 2] = [Self::En, Self::Fr];

    fn file(self) -> &'static str {
        match self {
            Self::En => "en.txt",
            Self::Fr => "fr.txt",
        }
    }

    fn built_in(self) -> &'static str {
        match self {
            Self::En => include_str!("../templates/en.txt"),
            Self::Fr => include_str!("../templates/fr.txt"),
        }
    }
}

/// A written mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// The templates in use: Jinja text, whose first line is `Subject: …`, then an empty line, then the body.
///
/// They see `type`, `event_id`, `job`, `project`, `counts.instances`, `counts.failed`, `time` and `link`.
#[derive(Debug)]
pub struct Templates {
    en: String,
    fr: String,
}

impl Templates {
    /// The largest template, bytes.
    const MAX_SIZE: usize = 64 * 1024;

    /// Takes the built-in templates or the files of the operator, and proves that each renders every event type.
    ///
    /// # Errors
    /// [`ConfigError::Template`], [`ConfigError::Read`].
    pub fn load(directory: Option<&Path>) -> Result<Self, ConfigError> {
        let templates = Self { en: source(directory, Language::En)?, fr: source(directory, Language::Fr)? };
        for language in Language::ALL {
            for kind in EventType::ALL {
                let (full, bare) = (Event::sample(*kind, 0), Event::new(*kind, 0));
                for (event, link) in [(full, Some("https://example.org")), (bare, None)] {
                    let path = directory.unwrap_or(Path::new("built-in")).join(language.file());
                    templates.write(language, &event, link).map_err(|problem| ConfigError::Template {
                        path,
                        problem: format!("{kind}: {problem}"),
                    })?;
                }
            }
        }
        Ok(templates)
    }

    /// Writes the mail of an event.
    ///
    /// # Errors
    /// [`DeliveryError::Message`]; not for an event type, as [`Templates::load`] has tried them all.
    pub fn render(
        &self,
        language: Language,
        event: &Event,
        link_base: Option<&str>,
    ) -> Result<Mail, DeliveryError> {
        self.write(language, event, link_base).map_err(|_| DeliveryError::Message("template"))
    }

    fn write(&self, language: Language, event: &Event, link_base: Option<&str>) -> Result<Mail, String> {
        let source = match language {
            Language::En => &self.en,
            Language::Fr => &self.fr,
        };
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_trim_blocks(true);
        let text = environment
            .render_named_str(language.file(), source, event.message(link_base))
            .map_err(|error| error.to_string())?;
        let (head, body) = text.split_once("\n\n").ok_or("an empty line after the subject is expected")?;
        let subject = head.strip_prefix("Subject: ").ok_or("`Subject: ` is expected at the start")?.trim();
        if subject.is_empty() || subject.len() > 200 || subject.chars().any(char::is_control) {
            return Err("the subject must be one line of 1 to 200 bytes".to_owned());
        }
        Ok(Mail { subject: subject.to_owned(), body: format!("{}\n", body.trim()) })
    }
}

fn source(directory: Option<&Path>, language: Language) -> Result<String, ConfigError> {
    let Some(directory) = directory else { return Ok(language.built_in().to_owned()) };
    let path: PathBuf = directory.join(language.file());
    match std::fs::read_to_string(&path) {
        Ok(text) if text.len() > Templates::MAX_SIZE => {
            Err(ConfigError::Template { path, problem: "it is larger than 64 KiB".to_owned() })
        }
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(language.built_in().to_owned()),
        Err(source) => Err(ConfigError::Read { key: "templates".to_owned(), source }),
    }
}
