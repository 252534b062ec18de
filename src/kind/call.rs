//! What a kind asks of AWS, as IAM knows it: actions, and what they act on.

/// `on` of actions for which IAM knows nothing narrower.
pub const ANY: &[&str] = &["*"];

/// Requests that a kind sends, as IAM names their actions.
///
/// Source of actions and their resources: the Service Authorization Reference of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    pub when: When,
    pub actions: &'static [&'static str],
    /// ARNs in which `{partition}`, `{region}`, `{account}`, `{path}` (of roles) and `{bootstrap}` (the bucket) stand for
    /// what they say, `{name}` for the name of a resource, and `{hashed}` for that of one named by its content.
    pub on: &'static [&'static str],
    /// A condition key and the only value it may have.
    pub only: Option<(&'static str, &'static str)>,
}

impl Call {
    pub const fn of(when: When, on: &'static [&'static str], actions: &'static [&'static str]) -> Self {
        Self { when, actions, on, only: None }
    }

    pub const fn only(self, key: &'static str, value: &'static str) -> Self {
        Self { only: Some((key, value)), ..self }
    }
}

/// When a [`Call`] is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Whatever is declared, to find what no file declares.
    Search,
    /// Something of the kind is declared.
    Read,
    /// The same, where a service has to be asked to look for drift.
    Drift,
    Create,
    /// One of these fields changes; no fields stand for any.
    Update(&'static [&'static str]),
    Delete,
}

/// What reading or making one resource takes of what is not its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    Known {
        when: When,
        action: &'static str,
        /// An ARN; references in it that are still open stand for anything.
        on: String,
        /// A condition key and the only value it may have.
        only: Option<(&'static str, String)>,
    },
    /// Says what it is of which the actions are not known here.
    Unknown(String),
}

impl Access {
    pub fn of(when: When, action: &'static str, on: impl Into<String>) -> Self {
        Self::Known { when, action, on: on.into(), only: None }
    }

    /// Handing a role to a service, which IAM asks of whoever makes what runs with it.
    pub fn pass_role(role: impl Into<String>, service: &str) -> Self {
        let only = Some(("iam:PassedToService", format!("{service}.amazonaws.com")));
        Self::Known { when: When::Create, action: "iam:PassRole", on: role.into(), only }
    }
}
