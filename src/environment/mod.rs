//! Files → [`Environment`]: YAML, overlays, positions, and the JSON Schema they are held against.

pub mod blocks;
pub mod drift_check;
pub mod edit;
pub mod load;
pub mod node;
pub mod reference;
pub mod schema;
pub mod shape;
pub mod source;
pub mod yaml;

use std::collections::BTreeMap;
use std::path::PathBuf;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use blocks::Blocks;
pub use drift_check::DriftCheck;
pub use load::load;
pub use node::Node;
pub use source::{Diagnostic, Diagnostics, Span};

use crate::address::Address;
use crate::units::Day;

/// What an environment file says besides its resources.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "scones environment")]
pub struct Header {
    /// The application, the first part of each name.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$"))]
    pub app: String,
    /// The environment, the second part of each name. One environment name belongs to one region.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]{0,18}[a-z0-9]$"))]
    pub environment: String,
    /// The account, 12 digits in quotes; any other is refused. Without it, the credentials decide.
    #[schemars(regex(pattern = r"^[0-9]{12}$"))]
    pub account: Option<String>,
    /// The region, such as us-east-1.
    #[schemars(regex(pattern = r"^[a-z]{2}(-[a-z]+){1,2}-[0-9]$"))]
    pub region: String,
    /// A role to assume before anything else.
    #[schemars(regex(pattern = r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$"))]
    pub assume_role: Option<String>,
    /// Tags for every resource.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Keys of tags that others set; a trailing `*` stands for any ending.
    #[serde(default)]
    pub ignore_tags: Vec<String>,
    /// Differences that are left alone until a day, each with the reason.
    #[serde(default)]
    pub ignore: Vec<Ignore>,
    /// Refuses every deletion.
    #[serde(default)]
    pub protect: bool,
    /// The most resources that one apply may delete or replace; `destroy` asks anyway.
    pub max_deletions: Option<usize>,
    /// What differs from release to release: artifacts and packages, by name.
    #[serde(default)]
    pub pins: BTreeMap<String, String>,
    /// Settings of one's own, by name: `${values.NAME}` stands for one anywhere.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// A check for drift that runs inside AWS, on a schedule.
    pub drift_check: Option<DriftCheck>,
    /// Addresses that were renamed: old to new.
    #[serde(default)]
    pub moved: BTreeMap<String, String>,
}

/// A difference that is known and left alone for a while.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ignore {
    /// ADDRESS or ADDRESS:PATH, such as functions.image-classification:memory.
    #[schemars(regex(pattern = r"^[a-z_]+\.[a-zA-Z0-9-]+(:.+)?$"))]
    pub path: String,
    /// Why it is right to leave it alone.
    #[schemars(length(min = 1, max = 500))]
    pub reason: String,
    /// The last day on which it is, such as 2027-01-31.
    pub until: Day,
}

/// Environment files, merged, with all the files they name, as read from disk.
#[derive(Clone, Debug)]
pub struct Environment {
    pub header: Header,
    /// The merged tree, for places.
    pub root: Node,
    pub resources: IndexMap<Address, Declared>,
    /// Templates and definitions by the path that names them.
    pub documents: BTreeMap<String, Node>,
    /// What functions say of themselves, in the `contract.yaml` beside their sources.
    pub contracts: BTreeMap<Address, Node>,
    /// Digests of packages' inputs.
    pub packages: BTreeMap<Address, String>,
    /// The folder that paths start from.
    pub directory: PathBuf,
    /// The file this environment was read from.
    pub file: PathBuf,
}

/// Turns a checked value into its type.
///
/// # Errors
/// The path and the message of what does not fit.
pub fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, (Vec<String>, String)> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().iter().filter_map(|segment| match segment {
            serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
            serde_path_to_error::Segment::Map { key } => Some(key.clone()),
            _ => None,
        });
        (path.collect(), error.inner().to_string())
    })
}

/// A resource as a person wrote it.
#[derive(Clone, Debug)]
pub struct Declared {
    pub node: Node,
    pub key_span: Span,
}

impl Declared {
    /// The name given with `name:`, if any.
    pub fn given_name(&self) -> Option<&str> {
        self.node.get("name")?.as_str()
    }
}
