//! The block `promotion`: what must be proven elsewhere before `scones promote` pins it here.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Seconds;

/// CloudWatch keeps the history of alarms for two weeks.
///
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/cli/cli-mon-describe-alarm-history.html>.
pub const LONGEST_QUIET: Seconds = Seconds(14 * 24 * 60 * 60);

/// What must be proven in another environment before `scones promote` pins here what runs there.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// The one environment that is promoted from, by its `environment:`; by default any of the same application.
    pub from: Option<String>,
    /// For how long no alarm may have rung there, such as 24h: 14d at most.
    pub alarms_quiet: Option<Seconds>,
    /// The least accuracy of the newest evaluation of the very model that runs there.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub accuracy: Option<f64>,
    /// What the newest index of each monitor of predictions must be below there; 0.25 is a shift by convention.
    #[schemars(range(min = 0.0))]
    pub drift_below: Option<f64>,
}
