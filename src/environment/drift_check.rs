//! The block `drift_check`, and the ordinary resources that it stands for: this program as a function, with its role, its
//! schedule and its alarms. All else treats them as if they stood in the file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::node::{Data, Entry, Node};
use super::{Diagnostic, Diagnostics};
use crate::packages::PROGRAM;
use crate::units::Seconds;

/// The name of the function, of its role and of its schedule under their sections.
pub const NAME: &str = "drift-check";
/// The alarm on drift, and the one on checks that fail or do not run.
pub const FOUND: &str = "drift-found";
pub const UNKNOWN: &str = "drift-unknown";

/// Where in the bootstrap bucket all objects of an environment's check are.
pub fn folder(app: &str, environment: &str) -> String {
    format!("drift/{app}/{environment}/")
}

/// Where `apply` leaves what it applied, for the function: it has no files.
pub fn applied_key(app: &str, environment: &str) -> String {
    format!("{}applied.json", folder(app, environment))
}

/// Where it is kept when each drift was first seen. Nothing needs it in order to run.
pub fn memory_key(app: &str, environment: &str) -> String {
    format!("{}first-seen.json", folder(app, environment))
}

/// Where the function leaves what it found last.
pub fn report_key(app: &str, environment: &str) -> String {
    format!("{}last.json", folder(app, environment))
}

const BLOCK: &str = "drift_check";
const SHORTEST: Seconds = Seconds(5 * 60);
const LONGEST: Seconds = Seconds(24 * 60 * 60);

/// A check for drift inside AWS: scones itself as a Lambda function that may only read, on a schedule, with its alarms.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DriftCheck {
    /// How often, in whole minutes: 5m to 1d.
    pub every: Seconds,
    /// ARNs of topics and others that are told when something drifted, when a check fails, and when all is well again.
    #[serde(default)]
    pub alarm_actions: Vec<ActionArn>,
    /// The processor that the function runs on: x86_64 or arm64. The scones that applies must be built for it too.
    #[serde(default)]
    pub architecture: Architecture,
    /// Who else may start a check: accounts, or ARNs of roles, such as that of a workflow that asks many environments.
    #[serde(default)]
    pub callers: Vec<Caller>,
    /// ARNs of managed policies for its role: CloudFormation reads with it what stacks hold, also types that scones does not know.
    #[serde(default)]
    pub managed_policies: Vec<ManagedPolicyArn>,
}

/// The ARN of a managed policy.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ManagedPolicyArn(#[schemars(regex(pattern = r"^arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/.+$"))] String);

/// The ARN of what an alarm tells.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ActionArn(#[schemars(regex(pattern = r"^arn:\S{1,1020}$"))] String);

/// An account, or the ARN of a role.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Caller(#[schemars(regex(pattern = r"^([0-9]{12}|arn:aws[a-z-]*:iam::[0-9]{12}:\S+)$"))] String);

/// A processor as Lambda spells it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Architecture {
    #[default]
    #[serde(rename = "x86_64")]
    X86,
    #[serde(rename = "arm64")]
    Arm,
}

impl DriftCheck {
    /// Adds to a tree what the block stands for.
    ///
    /// # Errors
    /// A schedule that cannot be, and entries whose names are taken.
    pub fn expanded(&self, root: Node) -> Result<Node, Diagnostics> {
        let span = root.span_at(&[BLOCK]);
        let mut faults = vec![];
        if !(SHORTEST..=LONGEST).contains(&self.every) || !self.every.0.is_multiple_of(60) {
            let message = "a check runs every 5m to every 1d, in whole minutes";
            faults.push(Diagnostic::new(message, &root.span_at(&[BLOCK, "every"])));
        }
        let resources = self.resources();
        for (section, entries) in resources.as_object().into_iter().flatten() {
            for name in entries.as_object().into_iter().flatten().map(|(name, _)| name) {
                let declared = root.get(section).and_then(Node::as_mapping).and_then(|entries| entries.get(name));
                if let Some(entry) = declared {
                    let message = format!("`{BLOCK}` makes {section}.{name} itself");
                    faults.push(Diagnostic::new(message, &entry.key_span).help("give this one another name in the file"));
                }
            }
        }
        if !faults.is_empty() {
            return Err(Diagnostics(faults));
        }
        Ok(added(root, Node::standing_for(&resources, &span)))
    }

    /// By section and name, as they would be written.
    fn resources(&self) -> Value {
        let mut permissions = json!({
            "schedule": { "principal": "events.amazonaws.com", "source_arn": format!("${{schedules.{NAME}.arn}}") },
        });
        for (at, caller) in self.callers.iter().enumerate() {
            permissions[format!("caller-{at}")] = json!({ "principal": caller.0 });
        }
        json!({
            "roles": { NAME: {
                "assumed_by": "lambda.amazonaws.com",
                "description": "Reads what ${app} ${environment} is made of, and publishes what drifted",
                "allow": allowed(),
                "managed_policies": self.managed_policies,
            } },
            "functions": { NAME: {
                "source": PROGRAM,
                "role": NAME,
                "architecture": self.architecture,
                "description": "Looks whether ${app} ${environment} is still as it was applied",
                "memory": 512,
                "timeout": "15m",
                "log_retention": 30,
                "environment": { "SCONES_APP": "${app}", "SCONES_ENVIRONMENT": "${environment}" },
                "permissions": permissions,
            } },
            "schedules": { NAME: { "function": NAME, "every": self.every, "input": {} } },
            "alarms": { FOUND: self.alarm(FOUND), UNKNOWN: self.alarm(UNKNOWN) },
        })
    }

    fn alarm(&self, which: &str) -> Value {
        let special = match which {
            // Checks are rare: between two of them the alarm stays as the last one left it.
            FOUND => json!({
                "metric": "Scones/Drift DriftedResources",
                "period": "1m",
                "missing_data": "ignore",
                "description": "Something of ${app} ${environment} was changed outside: scones drift ${environment}",
            }),
            // One failure may be a hiccup; two in a row, or no check at all, are not.
            _ => json!({
                "metric": "Scones/Drift Unknown",
                "period": self.every,
                "evaluation_periods": 2,
                "missing_data": "breaching",
                "description": "The check for drift of ${app} ${environment} fails or does not run: see its logs",
            }),
        };
        let mut alarm = json!({
            "dimensions": { "App": "${app}", "Environment": "${environment}" },
            "statistic": "Maximum",
            "comparison": ">",
            "threshold": 0,
            "actions": self.alarm_actions,
            "ok_actions": self.alarm_actions,
        });
        if let (Value::Object(alarm), Value::Object(special)) = (&mut alarm, special) {
            alarm.extend(special);
        }
        alarm
    }
}

/// What the function does besides reading: the reads follow from what the environment declares.
fn allowed() -> Value {
    let bucket = "arn:${partition}:s3:::scones-${account}-${region}";
    let object = |key: fn(&str, &str) -> String| format!("{bucket}/{}", key("${app}", "${environment}"));
    let logs = format!("arn:${{partition}}:logs:${{region}}:${{account}}:log-group:/aws/lambda/${{functions.{NAME}.name}}:*");
    let namespace = json!({ "StringEquals": { "cloudwatch:namespace": "Scones/Drift" } });
    json!([
        { "sid": "Publish", "actions": ["cloudwatch:PutMetricData"], "resources": ["*"], "condition": namespace },
        { "sid": "Applied", "actions": ["s3:GetObject"], "resources": [object(applied_key)] },
        {
            "sid": "Remember",
            "actions": ["s3:GetObject", "s3:PutObject"],
            "resources": [object(memory_key), object(report_key)],
        },
        { "sid": "Logs", "actions": ["logs:CreateLogStream", "logs:PutLogEvents"], "resources": [logs] },
    ])
}

/// A tree with more entries in its sections; they are not there yet.
fn added(mut root: Node, more: Node) -> Node {
    let (Data::Mapping(sections), Data::Mapping(more)) = (&mut root.data, more.data) else { return root };
    for (section, entry) in more {
        match (sections.get_mut(&section).map(|there| &mut there.node.data), entry.node.data) {
            (Some(Data::Mapping(there)), Data::Mapping(new)) => there.extend(new),
            (_, data) => {
                let node = Node { data, span: entry.node.span };
                sections.insert(section, Entry { key_span: entry.key_span, node });
            }
        }
    }
    root
}
