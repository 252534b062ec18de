//! State → SageMaker's calls. A schedule is moved from one definition to another; SageMaker refuses that while it is
//! Pending, or while one of its executions runs.

use std::future::Future;
use std::time::Duration;

use aws_sdk_sagemaker::operation::describe_monitoring_schedule::DescribeMonitoringScheduleOutput;
use aws_sdk_sagemaker::types::{ExecutionStatus, MonitoringScheduleConfig, MonitoringType, ScheduleConfig, ScheduleStatus};

use super::read::describe;
use super::{Monitored, baseline, definition};
use crate::aws::waiting::Pace;
use crate::aws::{Aws, AwsError, Optional, tags};
use crate::kind::{Kind, Tags};
use crate::kinds::monitor::Monitor;

/// How long SageMaker may not find what was made a moment ago.
const READ_LAG: Duration = Duration::from_secs(20);

/// Makes the definition, then the schedule; finishes what an earlier run began.
pub async fn create(aws: &Aws, name: &str, to: &Monitored, tags: &Tags) -> Result<(), AwsError> {
    if let Some(found) = settled(aws, name).await? {
        if found.monitoring_schedule_status != Some(ScheduleStatus::Failed) {
            return update(aws, name, None, to, tags).await;
        }
        // All that SageMaker lets be done with it is to delete it.
        delete_schedule(aws, name).await?;
    }
    let runs = made(aws, name, to, tags).await?;
    let request = || {
        let request = aws
            .sagemaker()
            .create_monitoring_schedule()
            .monitoring_schedule_name(name)
            .monitoring_schedule_config(config(to, &runs))
            .set_tags(Some(tags::for_sagemaker(tags)));
        aws.call("sagemaker:CreateMonitoringSchedule", name, request.send())
    };
    found_soon(|| aws.patiently(request)).await?;
    switch(aws, name, to.schedule.enabled).await
}

/// Moves the schedule to what it should be: first the new definition, then the schedule, then the old definition goes.
/// Interrupted anywhere, the same again finds what is made and does the rest.
///
/// `from` is what is known to be live; without it the definition is looked for again.
pub async fn update(aws: &Aws, name: &str, from: Option<&Monitored>, to: &Monitored, tags: &Tags) -> Result<(), AwsError> {
    const OPERATION: &str = "sagemaker:UpdateMonitoringSchedule";
    let keeps = from.is_some_and(|from| from.definition == to.definition);
    let new = if keeps { None } else { Some(made(aws, name, to, tags).await?) };
    let mut pace = Pace::new(Monitor::DEADLINE);
    loop {
        let Some(live) = settled(aws, name).await? else { return Err(lost(OPERATION, name)) };
        let has = live.monitoring_schedule_config.as_ref();
        let runs = new.as_deref().or(has.and_then(|has| has.monitoring_job_definition_name.as_deref()));
        let wanted = config(to, runs.unwrap_or_default());
        if has.is_some_and(|has| is_same(has, &wanted)) {
            break;
        }
        let request = || {
            let request = aws.sagemaker().update_monitoring_schedule().monitoring_schedule_name(name);
            aws.call(OPERATION, name, request.monitoring_schedule_config(wanted.clone()).send())
        };
        match found_soon(request).await {
            Ok(_) => break,
            // An execution began in between.
            Err(error) if is_busy(&error) && pace.wait("SageMaker to take the change").await => {}
            Err(error) => return Err(error),
        }
    }
    switch(aws, name, to.schedule.enabled).await?;
    match &new {
        Some(used) => definition::clear(aws, name, Some(used)).await,
        None => Ok(()),
    }
}

/// Sees to it that the baseline and the definition are there; returns the definition's name.
async fn made(aws: &Aws, name: &str, to: &Monitored, tags: &Tags) -> Result<String, AwsError> {
    baseline::ensure(aws, name, &to.definition, tags).await?;
    definition::ensure(aws, name, &to.definition, tags).await
}

fn lost(operation: &str, name: &str) -> AwsError {
    AwsError::unexpected(operation, name, "the schedule was deleted meanwhile: run this again")
}

/// Deletes the schedule, once no execution runs, then all of its definitions.
pub async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
    delete_schedule(aws, name).await?;
    definition::clear(aws, name, None).await
}

/// Deletes definitions that nothing uses; one that the schedule has by now is kept.
pub async fn collect(aws: &Aws, name: &str, definitions: &[String]) -> Result<(), AwsError> {
    let config = describe(aws, name).await?.and_then(|live| live.monitoring_schedule_config);
    let runs = config.and_then(|config| config.monitoring_job_definition_name);
    for unused in definitions.iter().filter(|one| Some(*one) != runs.as_ref()) {
        definition::delete(aws, unused).await?;
    }
    Ok(())
}

async fn delete_schedule(aws: &Aws, name: &str) -> Result<(), AwsError> {
    const OPERATION: &str = "sagemaker:DeleteMonitoringSchedule";
    let mut pace = Pace::new(Monitor::DEADLINE);
    loop {
        if settled(aws, name).await?.is_none() {
            return Ok(());
        }
        let request = aws.sagemaker().delete_monitoring_schedule().monitoring_schedule_name(name);
        match aws.call(OPERATION, name, request.send()).await.optional() {
            Ok(_) => break,
            Err(error) if is_busy(&error) && pace.wait("SageMaker to let it be deleted").await => {}
            Err(error) => return Err(error),
        }
    }
    while describe(aws, name).await?.is_some() {
        if !pace.wait("SageMaker to delete the schedule").await {
            return Err(AwsError::unexpected(OPERATION, name, "not done in time: the schedule is still there"));
        }
    }
    Ok(())
}

/// Starts or stops the schedule where it is not as it should be: an update may have started it.
async fn switch(aws: &Aws, name: &str, enabled: bool) -> Result<(), AwsError> {
    let Some(live) = until(aws, name, |live| !is_pending(live)).await? else { return Ok(()) };
    match (enabled, live.monitoring_schedule_status) {
        (true, Some(ScheduleStatus::Stopped)) => {
            let request = aws.sagemaker().start_monitoring_schedule().monitoring_schedule_name(name);
            aws.call("sagemaker:StartMonitoringSchedule", name, request.send()).await.map(drop)
        }
        (false, Some(ScheduleStatus::Scheduled)) => {
            let request = aws.sagemaker().stop_monitoring_schedule().monitoring_schedule_name(name);
            aws.call("sagemaker:StopMonitoringSchedule", name, request.send()).await.map(drop)
        }
        _ => Ok(()),
    }
}

fn config(to: &Monitored, definition: &str) -> MonitoringScheduleConfig {
    let when = ScheduleConfig::builder().set_schedule_expression(to.schedule.expression.clone()).build();
    MonitoringScheduleConfig::builder()
        .schedule_config(when)
        .monitoring_job_definition_name(definition)
        .monitoring_type(MonitoringType::DataQuality)
        .build()
}

fn is_same(live: &MonitoringScheduleConfig, wanted: &MonitoringScheduleConfig) -> bool {
    let mut live = live.clone();
    live.monitoring_type.get_or_insert(MonitoringType::DataQuality);
    live == *wanted
}

/// The schedule once SageMaker lets it be changed; `None` if there is none.
async fn settled(aws: &Aws, name: &str) -> Result<Option<DescribeMonitoringScheduleOutput>, AwsError> {
    until(aws, name, |live| !is_pending(live) && !is_running(live)).await
}

async fn until(
    aws: &Aws,
    name: &str,
    enough: impl Fn(&DescribeMonitoringScheduleOutput) -> bool,
) -> Result<Option<DescribeMonitoringScheduleOutput>, AwsError> {
    let mut pace = Pace::new(Monitor::DEADLINE);
    loop {
        let live = match describe(aws, name).await? {
            Some(live) if !enough(&live) => live,
            other => return Ok(other),
        };
        let what = if is_running(&live) {
            "an execution of the schedule to end"
        } else {
            "SageMaker, which has the schedule in Pending"
        };
        if !pace.wait(what).await {
            let message = format!("not done in time: still waiting for {what}");
            return Err(AwsError::unexpected("sagemaker:DescribeMonitoringSchedule", name, message));
        }
    }
}

fn is_pending(live: &DescribeMonitoringScheduleOutput) -> bool {
    live.monitoring_schedule_status == Some(ScheduleStatus::Pending)
}

fn is_running(live: &DescribeMonitoringScheduleOutput) -> bool {
    use ExecutionStatus::{InProgress, Pending, Stopping};
    let status = live.last_monitoring_execution_summary.as_ref().and_then(|last| last.monitoring_execution_status.as_ref());
    matches!(status, Some(InProgress | Pending | Stopping))
}

/// Sends a request again while SageMaker does not find the definition that was just made: it reads with eventual
/// consistency.
async fn found_soon<T, F>(attempt: impl Fn() -> F) -> Result<T, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    let mut pace = Pace::new(READ_LAG);
    loop {
        match attempt().await {
            Err(error) if error.is_not_found() && pace.wait("SageMaker to find what was just made").await => {}
            answer => return answer,
        }
    }
}

/// "Monitoring schedule in status Pending", and that of executions that run.
fn is_busy(error: &AwsError) -> bool {
    let words = ["status Pending", "in-progress executions", "in progress"];
    matches!(error.code.as_str(), "ValidationException" | "ResourceInUse" | "ConflictException")
        && words.iter().any(|words| error.message.contains(words))
}
