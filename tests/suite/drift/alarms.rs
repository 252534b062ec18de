//! Alarms, composite alarms and dashboards.

use aws_sdk_cloudwatch::operation::put_composite_alarm::builders::PutCompositeAlarmFluentBuilder;
use aws_sdk_cloudwatch::types::{ActionConfiguration, AlarmTagsPropagation, WarmUpConfiguration};

use super::*;

/// The alarm as it is declared.
fn errors() -> PutMetricAlarmFluentBuilder {
    cloudwatch()
        .put_metric_alarm()
        .alarm_name(ALARM)
        .namespace("AWS/Lambda")
        .metric_name("Errors")
        .dimensions(Dimension::builder().name("FunctionName").value(FUNCTION).build())
        .statistic(Statistic::Sum)
        .period(60)
        .evaluation_periods(1)
        .threshold(0.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .treat_missing_data("notBreaching")
        .alarm_actions(TOPIC)
}

/// The composite alarm as it is declared.
fn broken() -> PutCompositeAlarmFluentBuilder {
    cloudwatch()
        .put_composite_alarm()
        .alarm_name(COMPOSITE)
        .alarm_rule(COMPOSITE_RULE)
        .alarm_description("All of it is broken")
        .alarm_actions(TOPIC)
        .actions_suppressor(SUPPRESSOR)
        .actions_suppressor_wait_period(60)
        .actions_suppressor_extension_period(120)
}

fn told_with_tags() -> ActionConfiguration {
    let tags = AlarmTagsPropagation::builder().enabled(true).build();
    ActionConfiguration::builder().alarm_tags_propagation(tags).build()
}

found_and_reverted! {
    alarm_metric: "alarms.errors", Found::At("metric"), errors().metric_name("Throttles").send();
    alarm_dimension: "alarms.errors", Found::At("dimensions.FunctionName"), errors().set_dimensions(None).dimensions(Dimension::builder().name("FunctionName").value("theirs").build()).send();
    alarm_dimension_added: "alarms.errors", Found::At("dimensions.Resource"), errors().dimensions(Dimension::builder().name("Resource").value("drift-toy-echo:live").build()).send();
    alarm_statistic: "alarms.errors", Found::At("statistic"), errors().statistic(Statistic::Maximum).send();
    alarm_percentile: "alarms.errors", Found::At("statistic"), errors().set_statistic(None).extended_statistic("p99").send();
    alarm_period: "alarms.errors", Found::At("period"), errors().period(3600).send();
    alarm_unit: "alarms.errors", Found::At("unit"), errors().unit(StandardUnit::Percent).send();
    alarm_evaluation_periods: "alarms.errors", Found::At("evaluation_periods"), errors().evaluation_periods(5).send();
    alarm_datapoints: "alarms.errors", Found::At("datapoints_to_alarm"), errors().evaluation_periods(5).datapoints_to_alarm(4).send();
    alarm_comparison: "alarms.errors", Found::At("comparison"), errors().comparison_operator(ComparisonOperator::LessThanThreshold).send();
    alarm_missing_data: "alarms.errors", Found::At("missing_data"), errors().treat_missing_data("ignore").send();
    alarm_description: "alarms.errors", Found::At("description"), errors().alarm_description("theirs").send();
    alarm_action_swapped: "alarms.errors", Found::At("actions"), errors().set_alarm_actions(None).alarm_actions("arn:aws:sns:us-east-1:123456789012:theirs").send();
    alarm_ok_action_added: "alarms.errors", Found::At("ok_actions"), errors().ok_actions(TOPIC).send();
    alarm_insufficient_data_action_added: "alarms.errors", Found::At("insufficient_data_actions"), errors().insufficient_data_actions(TOPIC).send();
    alarm_tells_its_tags: "alarms.errors", Found::At("others.tags_propagation"), errors().action_configuration(told_with_tags()).send();
    alarm_warms_up: "alarms.errors", Found::At("others.warm_up"), errors().warm_up_configuration(WarmUpConfiguration::builder().warm_up_period_duration_in_minutes(60).build()).send();
    alarm_tag_removed: "alarms.errors", Found::At("tags.cost-centre"), cloudwatch().untag_resource().resource_arn(ALARM_ARN).tag_keys("cost-centre").send();

    composite_alarm_description: "composite_alarms.broken", Found::At("description"), broken().alarm_description("theirs").send();
    composite_alarm_suppressed_for_longer: "composite_alarms.broken", Found::At("suppressor.extension"), broken().actions_suppressor_extension_period(3600).send();
    composite_alarm_action_removed: "composite_alarms.broken", Found::At("actions"), broken().set_alarm_actions(None).send();
    composite_alarm_tells_its_tags: "composite_alarms.broken", Found::At("tags_propagation"), broken().action_configuration(told_with_tags()).send();

    dashboard_range: "dashboards.overview", Found::At("body.start"), another_range();
}

async fn another_range() -> Anything {
    let found = cloudwatch().get_dashboard().dashboard_name(DASHBOARD).send().await?;
    let body = found.dashboard_body.unwrap_or_default().replace("-PT3H", "-P7D");
    cloudwatch().put_dashboard().dashboard_name(DASHBOARD).dashboard_body(body).send().await?;
    Ok(())
}
