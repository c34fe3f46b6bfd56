//! Research projects of a site, and the partners that they name.

use std::path::Path;

use super::Site;

/// A project behind the called title `title`, for one partner or two.
#[derive(Clone)]
pub(crate) struct Project {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) partner: &'static str,
    pub(crate) second_partner: Option<&'static str>,
    /// More keys of `[[project]]`, one a line.
    pub(crate) keys: String,
    pub(crate) eager: bool,
    pub(crate) stable_after_seconds: u32,
    /// How long originals are kept at most.
    pub(crate) retention_hours: u32,
    /// `state` of the dossier.
    pub(crate) state: &'static str,
    pub(crate) valid_until: &'static str,
    pub(crate) inclusion_required: bool,
    /// Keys of `[project.results]`; empty: no results come back.
    pub(crate) results: String,
}

impl Project {
    /// One that lets everything out to `partner`, stable after a second.
    pub(crate) fn open(id: &'static str, title: &'static str, partner: &'static str) -> Self {
        Self {
            id,
            title,
            partner,
            second_partner: None,
            keys: String::new(),
            eager: false,
            stable_after_seconds: 1,
            retention_hours: 720,
            state: "active",
            valid_until: "2099-12-31",
            inclusion_required: false,
            results: String::new(),
        }
    }

    fn toml(&self) -> String {
        let Self { id, title, keys, stable_after_seconds, retention_hours, state, valid_until, .. } = self;
        let partners: Vec<&str> = [self.partner].into_iter().chain(self.second_partner).collect();
        let mode = if self.eager { "eager" } else { "stable" };
        let results = match self.results.as_str() {
            "" => String::new(),
            keys => format!("[project.results]\n{keys}"),
        };
        format!(
            "[[project]]\nid = \"{id}\"\ncalled_ae_titles = [\"{title}\"]\nmode = \"pseudonymise\"\nexport_mode = \"{mode}\"\n\
             stable_after_seconds = {stable_after_seconds}\nretention_hours = {retention_hours}\npartners = {partners:?}\n{keys}\
             [project.dossier]\nstate = \"{state}\"\nversion = 7\nvalid_until = \"{valid_until}\"\nmode = \"pseudonymise\"\n\
             recipients = {partners:?}\ninclusion_required = {}\n\
             [project.clinical_trial]\nsponsor_name = \"SPONSOR\"\nprotocol_id = \"PROTOCOL-{id}\"\n{results}",
            self.inclusion_required
        )
    }
}

impl Site {
    /// Adds a vault with its key in the file `key`, projects, and `sections`: what they name, and whom they tell.
    pub(crate) fn with_projects(self, key: &Path, projects: &[Project], sections: &str) -> Self {
        let projects: String = projects.iter().map(Project::toml).collect();
        self.section(&format!("[vault]\nkey = {{ file = \"{}\" }}\n{projects}{sections}", key.display()))
    }
}

/// `[[partner]]` with the transport `dicom`.
pub(crate) fn dicom_partner(id: &str, port: u16) -> String {
    format!(
        "[[partner]]\nid = \"{id}\"\n[partner.transport.dicom]\nhost = \"127.0.0.1\"\nport = {port}\ncalled = \"UNI\"\n\
         calling = \"RPACS\"\n"
    )
}

/// `[[partner]]` with the transport `dicomweb`.
pub(crate) fn web_partner(id: &str, url: &str) -> String {
    format!("[[partner]]\nid = \"{id}\"\n[partner.transport.dicomweb]\nstow_url = \"{url}\"\n")
}
