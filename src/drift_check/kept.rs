//! What `apply` leaves for the function, and takes away with the environment.

use aws_sdk_lambda::types::InvocationType;
use serde::{Deserialize, Serialize};

use crate::aws::{Aws, AwsError, bootstrap};
use crate::desired::Desired;
use crate::environment::drift_check::{applied_key, memory_key, report_key};
use crate::kind::World;

const FORMAT: u32 = 1;

/// What was applied, complete: names are computed, packages known by their digests.
#[derive(Serialize, Deserialize)]
struct Kept {
    format: u32,
    desired: Desired,
}

/// Leaves what was applied, if the environment has a check that reads it.
///
/// # Errors
/// What S3 answers.
pub async fn leave(aws: &Aws, desired: &Desired) -> Result<(), AwsError> {
    if desired.drift_check().is_none() {
        return Ok(());
    }
    let kept = Kept { format: FORMAT, desired: desired.clone() };
    let document = serde_json::to_vec(&kept).map_err(|error| AwsError::local(error.to_string()))?;
    bootstrap::put(aws, &key_of(&aws.world, applied_key), document).await
}

/// Lets the environment's check run once, if it has one, so that its alarms know of what was applied. Nobody waits for it.
///
/// # Errors
/// What Lambda answers.
pub async fn start(aws: &Aws, desired: &Desired) -> Result<(), AwsError> {
    let Some(function) = desired.drift_check() else { return Ok(()) };
    let request = aws.lambda().invoke().function_name(&function.name).qualifier("live").invocation_type(InvocationType::Event);
    aws.call("lambda:InvokeFunction", &function.name, request.send()).await.map(drop)
}

/// What was left, if anything was.
///
/// # Errors
/// What S3 answers, or that another version of scones wrote it.
pub(super) async fn left(aws: &Aws) -> Result<Option<Desired>, AwsError> {
    let key = key_of(&aws.world, applied_key);
    let Some(document) = bootstrap::read(aws, &key).await? else { return Ok(None) };
    match serde_json::from_slice::<Kept>(&document) {
        Ok(kept) if kept.format == FORMAT && kept.desired.world == aws.world => Ok(Some(kept.desired)),
        Ok(_) => Err(AwsError::local(format!("{key} is of another environment, or of another version of scones: apply again"))),
        Err(error) => Err(AwsError::local(format!("{key} is not what apply leaves ({error}): apply again"))),
    }
}

/// Takes away all that checks of the environment left.
///
/// # Errors
/// What S3 answers.
pub async fn forget(aws: &Aws) -> Result<(), AwsError> {
    for key in [applied_key, memory_key, report_key] {
        bootstrap::remove(aws, &key_of(&aws.world, key)).await?;
    }
    Ok(())
}

/// A key of an environment's own.
pub(super) fn key_of(world: &World, key: fn(&str, &str) -> String) -> String {
    key(&world.app, &world.environment)
}
