//! A rollout as SageMaker takes it.

use aws_sdk_sagemaker::types::{
    Alarm, AutoRollbackConfig, BlueGreenUpdatePolicy, CapacitySize, CapacitySizeType, DeploymentConfig, TrafficRoutingConfig,
    TrafficRoutingConfigType,
};

use crate::kinds::rollout::Rollout;

/// `alarms` are the names of those that take the endpoint back.
pub fn deployment(rollout: &Rollout, alarms: &[String]) -> DeploymentConfig {
    let seconds = |seconds: u32| i32::try_from(seconds).unwrap_or(i32::MAX);
    let size = |percent: Option<i32>| {
        percent.map(|percent| CapacitySize::builder().r#type(CapacitySizeType::CapacityPercent).value(percent).build())
    };
    let way = match (rollout.canary, rollout.linear) {
        (Some(_), _) => TrafficRoutingConfigType::Canary,
        (None, Some(_)) => TrafficRoutingConfigType::Linear,
        (None, None) => TrafficRoutingConfigType::AllAtOnce,
    };
    let traffic = TrafficRoutingConfig::builder()
        .r#type(way)
        .wait_interval_in_seconds(seconds(rollout.bake))
        .set_canary_size(size(rollout.canary))
        .set_linear_step_size(size(rollout.linear))
        .build();
    let policy = BlueGreenUpdatePolicy::builder()
        .traffic_routing_configuration(traffic)
        .termination_wait_in_seconds(0)
        .maximum_execution_timeout_in_seconds(seconds(rollout.max_wait))
        .build();
    let alarms: Vec<Alarm> = alarms.iter().map(|name| Alarm::builder().alarm_name(name).build()).collect();
    let back = (!alarms.is_empty()).then(|| AutoRollbackConfig::builder().set_alarms(Some(alarms)).build());
    DeploymentConfig::builder().blue_green_update_policy(policy).set_auto_rollback_configuration(back).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_sagemaker_for_a_canary_that_goes_back() {
        let rollout = Rollout { canary: Some(10), linear: None, bake: 600, roll_back_on: vec![], max_wait: 3000 };
        let config = deployment(&rollout, &["a".to_owned()]);
        let traffic = config.blue_green_update_policy.as_ref().and_then(|policy| policy.traffic_routing_configuration.clone());
        let traffic = traffic.expect("a policy");
        assert_eq!((traffic.r#type, traffic.wait_interval_in_seconds), (Some(TrafficRoutingConfigType::Canary), Some(600)));
        assert_eq!(traffic.canary_size.and_then(|size| size.value), Some(10));
        assert!(traffic.linear_step_size.is_none());
        assert_eq!(config.auto_rollback_configuration.map(|back| back.alarms().len()), Some(1));
        assert!(deployment(&Rollout { canary: None, ..rollout }, &[]).auto_rollback_configuration.is_none());
    }
}
