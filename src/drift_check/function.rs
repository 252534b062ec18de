//! This program as a Lambda function: each event is one look at the environment that it belongs to.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::{Value, json};

use super::kept::key_of;
use super::{Reading, kept, look, publish, publish_unknown};
use crate::aws::{Aws, AwsError, Session, bootstrap};
use crate::environment::drift_check::report_key;
use crate::kind::World;
use crate::kinds::registry;
use crate::plan::Plan;
use crate::units::Day;

/// Kept back from the function's timeout to say that the look took too long.
const MARGIN: Duration = Duration::from_secs(20);
/// How many characters of an error or a list an answer shows: a workflow's state takes 256 KiB for all of its environments.
const LONGEST_SUMMARY: usize = 400;

/// What a look came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    None,
    Drift,
    Unknown,
}

/// What the function answers.
#[derive(Debug, Serialize)]
struct Answer {
    app: String,
    environment: String,
    account: String,
    region: String,
    verdict: Verdict,
    /// One line for people.
    summary: String,
    #[serde(flatten)]
    reading: Option<Reading>,
    /// Where the whole report lies.
    report: String,
}

/// Whether Lambda started this program.
pub fn is_called() -> bool {
    std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() && std::env::args_os().len() == 1
}

/// Answers one event after the other, for as long as Lambda keeps the program.
///
/// # Errors
/// Lambda's runtime API is gone.
pub async fn serve() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        let answer = answer(left.saturating_sub(MARGIN)).await;
        match &answer {
            Ok(answer) => say(&answer.summary),
            Err(error) => say(&format!("nothing could be said of it: {error}")),
        }
        answer.map_err(|error| Diagnostic { error_type: "CheckFailed".to_owned(), error_message: error.to_string() })
    }))
    .await
}

/// A line in the function's logs.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Looks, publishes, and leaves a report. That a look failed is an answer too, as long as it can be published.
async fn answer(patience: Duration) -> Result<Answer, AwsError> {
    let aws = connect().await?;
    let looked = tokio::time::timeout(patience, looked(&aws)).await.unwrap_or_else(|_| {
        Err(AwsError::local(format!("the environment could not be read within {} seconds", patience.as_secs())))
    });
    let (answer, drift) = match looked {
        Ok((drift, reading)) => (found(&aws.world, &drift, reading), Some(drift)),
        Err(error) => {
            publish_unknown(&aws).await?;
            (unknown(&aws.world, &error), None)
        }
    };
    bootstrap::put(&aws, &key_of(&aws.world, report_key), report(&answer, drift)?).await?;
    Ok(answer)
}

async fn connect() -> Result<Aws, AwsError> {
    let variable = |name: &str| {
        let missing = || AwsError::local(format!("the variable {name} is missing: apply makes the function with it"));
        std::env::var(name).ok().filter(|value| !value.is_empty()).ok_or_else(missing)
    };
    let (app, environment, region) = (variable("SCONES_APP")?, variable("SCONES_ENVIRONMENT")?, variable("AWS_REGION")?);
    // The function lives in the environment's account: there is no role to assume.
    let session = Session::open(&region, None).await?;
    let account = session.account.clone();
    Ok(session.connect(World { app, environment, account, region }))
}

async fn looked(aws: &Aws) -> Result<(Plan, Reading), AwsError> {
    let Some(mut desired) = kept::left(aws).await? else {
        let again = format!("it was never applied, or what apply left is gone: scones apply {}", aws.world.environment);
        return Err(AwsError::local(again));
    };
    desired.let_expire(&Day::today());
    let drift = look(aws, &desired, &registry()).await?;
    let reading = publish(aws, &drift).await?;
    Ok((drift, reading))
}

fn found(world: &World, drift: &Plan, reading: Reading) -> Answer {
    let names: Vec<String> = drift.steps.iter().map(|step| step.address.to_string()).collect();
    let (verdict, text) = match (names.as_slice(), why_unknown(drift)) {
        (_, Some(why)) => (Verdict::Unknown, format!("unknown: {why}")),
        ([], None) => (Verdict::None, "no drift".to_owned()),
        ([one], None) => (Verdict::Drift, format!("1 resource changed outside: {one}")),
        (several, None) => (Verdict::Drift, format!("{} resources changed outside: {}", several.len(), several.join(", "))),
    };
    Answer { reading: Some(reading), ..verdict_of(world, verdict, &text) }
}

/// What keeps a look from being one at all of it.
fn why_unknown(drift: &Plan) -> Option<String> {
    let conflict = drift.conflicts.iter().map(|conflict| conflict.message.clone());
    let unread = drift.unread().map(|(what, unread)| format!("{what}: {}", unread.why));
    let unchecked = drift
        .unchecked
        .iter()
        .flat_map(|(address, parts)| parts.iter().filter(|part| part.failed).map(move |part| format!("{address}: {}", part.why)));
    conflict.chain(unread).chain(unchecked).next()
}

fn unknown(world: &World, error: &AwsError) -> Answer {
    verdict_of(world, Verdict::Unknown, &format!("unknown: {error}"))
}

fn verdict_of(world: &World, verdict: Verdict, text: &str) -> Answer {
    let World { app, environment, account, region } = world.clone();
    let mut summary = format!("{app} {environment}: {}", text.split_whitespace().collect::<Vec<_>>().join(" "));
    if summary.chars().count() > LONGEST_SUMMARY {
        summary = summary.chars().take(LONGEST_SUMMARY - 1).chain(['…']).collect();
    }
    let report = format!("s3://{}/{}", world.bootstrap_bucket(), key_of(world, report_key));
    Answer { app, environment, account, region, verdict, summary, reading: None, report }
}

/// The answer with all that drifted; what was declared is left out, it lies beside it.
fn report(answer: &Answer, drift: Option<Plan>) -> Result<Vec<u8>, AwsError> {
    let failed = |error: serde_json::Error| AwsError::local(format!("the report cannot be written: {error}"));
    let mut drift = drift.map(serde_json::to_value).transpose().map_err(failed)?;
    if let Some(Value::Object(drift)) = &mut drift {
        drift.shift_remove("desired");
    }
    serde_json::to_vec_pretty(&json!({ "at": Timestamp::now().to_string(), "answer": answer, "drift": drift })).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift_check::measure::tests::drift;

    fn answer_of(found_at: &[(&str, &[&str])]) -> Answer {
        let drift = drift(found_at);
        found(&drift.desired.world, &drift, Reading::of(&drift, 0))
    }

    #[test]
    fn an_answer_says_what_and_where() {
        assert_eq!(answer_of(&[]).summary, "a b: no drift");
        assert_eq!(answer_of(&[("roles.r", &["trust"])]).summary, "a b: 1 resource changed outside: roles.r");
        let two = serde_json::to_value(answer_of(&[("roles.r", &["trust"]), ("alarms.a", &[])])).unwrap();
        assert_eq!(two["summary"], "a b: 2 resources changed outside: roles.r, alarms.a");
        assert_eq!(
            (two["verdict"].as_str(), two["drifted"].as_u64(), two["unknown"].as_u64()),
            (Some("drift"), Some(2), Some(0))
        );
        assert_eq!(two["report"], "s3://scones-123456789012-us-east-1/drift/a/b/last.json");
    }

    #[test]
    fn an_error_is_one_short_line() {
        let world = drift(&[]).desired.world;
        let answer = unknown(&world, &AwsError::local(format!("one\n  {}", "é".repeat(5000))));
        assert_eq!(answer.summary.chars().count(), LONGEST_SUMMARY);
        assert!(answer.summary.starts_with("a b: unknown: one éé") && answer.summary.ends_with('…'), "{}", answer.summary);
        assert!(serde_json::to_value(answer).unwrap().get("drifted").is_none());
    }

    #[test]
    fn a_report_has_no_more_than_what_drifted() {
        let drift = drift(&[("roles.r", &["trust"])]);
        let answer = found(&drift.desired.world, &drift, Reading::of(&drift, 0));
        let report: Value = serde_json::from_slice(&report(&answer, Some(drift)).unwrap()).unwrap();
        assert!(report["drift"].get("desired").is_none() && report["at"].as_str().unwrap().ends_with('Z'), "{report}");
        assert_eq!(report["drift"]["steps"][0]["address"], "roles.r");
    }
}
