//! `scones train`: starts the training workflow and follows it state by state.

use std::time::Duration;

use serde_json::Value;

use super::executions::{execution_name, failure, missing, watched};
use super::{Context, EnvironmentName, Error, exit, print};

pub async fn run(environment: EnvironmentName) -> Result<u8, Error> {
    let context = Context::open(&environment.environment).await?;
    let training = context.blocks()?.training.ok_or_else(|| missing("training", &context.name))?;
    let machine = context.workflow(&training.workflow)?;
    let limit = Duration::from_secs(training.timeout.0.into());
    let input = Value::Object(training.input);
    let (output, ending) = watched(&context, &machine, &execution_name("train", 0), &input, limit).await?;
    if let Some(why) = failure(&ending) {
        return Err(Error::other(
            why,
            "its states and their inputs: the Step Functions console, or `aws stepfunctions get-execution-history`",
        ));
    }
    print(&format!("{:#}", output.unwrap_or(Value::Null)))?;
    Ok(exit::OK)
}
