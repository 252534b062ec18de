//! Reading monitoring schedules with the definitions that they run.

use aws_sdk_sagemaker::operation::describe_monitoring_schedule::DescribeMonitoringScheduleOutput;
use aws_sdk_sagemaker::types::{MonitoringScheduleConfig, MonitoringScheduleSummary, MonitoringType, ScheduleStatus};
use futures::future::try_join_all;

use super::content::content;
use super::{Definition, Monitored, Schedule, definition};
use crate::aws::{Aws, AwsError, Optional};
use crate::kind::{Generation, Live, Namesake, Status};
use crate::kinds::sagemaker::{Others, base, note, searches};

/// Two listings for all schedules and definitions that share the environment's prefix, then both descriptions of each
/// schedule at once.
pub async fn observe(aws: &Aws, wanted: &[(&str, Option<Definition>)]) -> Result<Vec<Live<Monitored>>, AwsError> {
    let prefix = aws.world.prefix();
    let searches = searches(wanted.iter().map(|(name, _)| *name), &prefix, aws.looks_at_all());
    // The search for what is named by content ends in a dash, which the names themselves lack.
    let schedules =
        try_join_all(searches.iter().map(|text| list(aws, if *text == prefix { text } else { text.trim_end_matches('-') })));
    let definitions = try_join_all(searches.iter().map(|text| definition::list(aws, text)));
    let (schedules, definitions) = futures::try_join!(schedules, definitions)?;
    let (schedules, definitions) = (schedules.concat(), definitions.concat());
    let found = wanted.iter().filter_map(|(name, wanted)| {
        let summary = schedules.iter().find(|one| one.monitoring_schedule_name.as_deref() == Some(*name))?;
        Some((*name, wanted.as_ref(), summary))
    });
    let read = try_join_all(found.map(|(name, wanted, summary)| read(aws, name, wanted, summary, &definitions)));
    Ok(read.await?.into_iter().flatten().collect())
}

/// The schedules that bear the environment's prefix, of whatever sort of monitor.
pub async fn namesakes(aws: &Aws) -> Result<Vec<Namesake>, AwsError> {
    let prefix = aws.world.prefix();
    let seen = |one: MonitoringScheduleSummary| {
        let name = one.monitoring_schedule_name.filter(|name| name.starts_with(&prefix))?;
        Some(Namesake { what: "monitoring schedule", name, arn: one.monitoring_schedule_arn? })
    };
    Ok(list(aws, &prefix).await?.into_iter().filter_map(seen).collect())
}

async fn list(aws: &Aws, text: &str) -> Result<Vec<MonitoringScheduleSummary>, AwsError> {
    aws.listing("sagemaker:ListMonitoringSchedules", text, pages(aws, text)).await
}

async fn pages(aws: &Aws, text: &str) -> Result<Vec<MonitoringScheduleSummary>, AwsError> {
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws.sagemaker().list_monitoring_schedules().name_contains(text).max_results(100).set_next_token(next);
        let answer = aws.call("sagemaker:ListMonitoringSchedules", text, request.send()).await?;
        found.extend(answer.monitoring_schedule_summaries.unwrap_or_default());
        next = answer.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

pub async fn describe(aws: &Aws, name: &str) -> Result<Option<DescribeMonitoringScheduleOutput>, AwsError> {
    let request = aws.sagemaker().describe_monitoring_schedule().monitoring_schedule_name(name);
    aws.call("sagemaker:DescribeMonitoringSchedule", name, request.send()).await.optional()
}

async fn read(
    aws: &Aws,
    name: &str,
    wanted: Option<&Definition>,
    summary: &MonitoringScheduleSummary,
    definitions: &[String],
) -> Result<Option<Live<Monitored>>, AwsError> {
    let listed = summary.monitoring_job_definition_name.clone();
    let described = async {
        match &listed {
            Some(name) => definition::describe(aws, name).await,
            None => Ok(None),
        }
    };
    let (schedule, mut found) = futures::try_join!(describe(aws, name), described)?;
    let Some(schedule) = schedule else { return Ok(None) };
    let config = schedule.monitoring_schedule_config.clone();
    let runs = config.as_ref().and_then(|config| config.monitoring_job_definition_name.clone());
    if runs != listed {
        // It moved between the two requests.
        found = match &runs {
            Some(name) => definition::describe(aws, name).await?,
            None => None,
        };
    }
    // What was deleted under its schedule cannot be known any more.
    let definition = found.map(|found| content(found, wanted)).unwrap_or_default();
    let unused = definitions.iter().filter(|one| base(one) == Some(name) && Some(*one) != runs.as_ref());
    let generations = unused.map(|one| Generation { name: one.clone(), arn: None, in_use: false, refers: vec![] }).collect();
    let state = Monitored { schedule: of(config, schedule.monitoring_schedule_status.as_ref()), definition };
    let arn = schedule.monitoring_schedule_arn.clone().unwrap_or_default();
    Ok(Some(Live { status: status(&schedule), generations, ..Live::settled(name, arn, state, None) }))
}

fn of(config: Option<MonitoringScheduleConfig>, status: Option<&ScheduleStatus>) -> Schedule {
    let mut other = Others::new();
    let enabled = status != Some(&ScheduleStatus::Stopped);
    let Some(config) = config else { return Schedule { expression: None, enabled, other } };
    note(&mut other, "inline_definition", config.monitoring_job_definition);
    note(&mut other, "type", config.monitoring_type.filter(|kind| *kind != MonitoringType::DataQuality));
    let when = config.schedule_config;
    note(&mut other, "analysis_start", when.as_ref().and_then(|when| when.data_analysis_start_time.clone()));
    note(&mut other, "analysis_end", when.as_ref().and_then(|when| when.data_analysis_end_time.clone()));
    Schedule { expression: when.and_then(|when| when.schedule_expression), enabled, other }
}

fn status(schedule: &DescribeMonitoringScheduleOutput) -> Status {
    match &schedule.monitoring_schedule_status {
        Some(ScheduleStatus::Pending) => Status::InProgress("SageMaker, which has the schedule in Pending".into()),
        Some(ScheduleStatus::Failed) => {
            Status::Failed(schedule.failure_reason.clone().unwrap_or_else(|| "SageMaker gives no reason".to_owned()))
        }
        _ => Status::Settled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_what_it_says() {
        let schedule = |status: ScheduleStatus| {
            DescribeMonitoringScheduleOutput::builder().monitoring_schedule_status(status).failure_reason("no role").build()
        };
        assert!(matches!(status(&schedule(ScheduleStatus::Pending)), Status::InProgress(_)));
        assert_eq!(status(&schedule(ScheduleStatus::Failed)), Status::Failed("no role".into()));
        // The reason of an earlier run stays.
        assert_eq!(status(&schedule(ScheduleStatus::Scheduled)), Status::Settled);
        assert!(!of(None, Some(&ScheduleStatus::Stopped)).enabled);
        let other = MonitoringScheduleConfig::builder().monitoring_type(MonitoringType::ModelBias).build();
        assert!(of(Some(other), None).other.contains_key("type"));
    }
}
