//! Endpoints that are scaled: the count is scaling's own, fleets are updated without it, and nobody else's scaling stays.

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ScalableTarget, ServiceNamespace};
use aws_sdk_sagemaker::types::DesiredWeightAndCapacity;

use crate::support::{Project, assert_no_violations, changes, sdk, wait};

const SCALING: &str = ", scaling: { min: 1, max: 2, target: 70 }";

fn scaling() -> aws_sdk_applicationautoscaling::Client {
    aws_sdk_applicationautoscaling::Client::new(sdk())
}

fn sagemaker() -> aws_sdk_sagemaker::Client {
    aws_sdk_sagemaker::Client::new(sdk())
}

fn target(app: &str) -> Option<ScalableTarget> {
    let resource = format!("endpoint/{app}-toy-net/variant/AllTraffic");
    let request = scaling().describe_scalable_targets().service_namespace(ServiceNamespace::Sagemaker).resource_ids(resource);
    wait(request.send()).unwrap().scalable_targets.unwrap_or_default().into_iter().next()
}

fn policies(app: &str) -> Vec<String> {
    let resource = format!("endpoint/{app}-toy-net/variant/AllTraffic");
    let request = scaling().describe_scaling_policies().service_namespace(ServiceNamespace::Sagemaker).resource_id(resource);
    let found = wait(request.send()).unwrap().scaling_policies.unwrap_or_default();
    found.into_iter().map(|policy| policy.policy_name).collect()
}

fn count(app: &str) -> Option<i32> {
    let endpoint = wait(sagemaker().describe_endpoint().endpoint_name(format!("{app}-toy-net")).send()).unwrap();
    endpoint.production_variants()[0].current_instance_count
}

/// Does what scaling does.
fn scale(app: &str, wanted: i32) {
    let desired = DesiredWeightAndCapacity::builder().variant_name("AllTraffic").desired_instance_count(wanted).build();
    let request = sagemaker().update_endpoint_weights_and_capacities().endpoint_name(format!("{app}-toy-net"));
    wait(request.desired_weights_and_capacities(desired).send()).unwrap();
    while count(app) != Some(wanted) {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn a_count_within_the_bounds_is_no_drift_and_outlives_an_update() {
    let project = Project::from_fixture("toy", "scaled").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!(policies("scaled"), ["scones"]);
    scale("scaled", 2);
    project.scones(&["plan", "toy"]).expect(0);
    project.scones(&["drift", "toy"]).expect(0);

    // SageMaker refuses another type of instance while the variant is scaled.
    project.edit("environments/toy.yaml", "instance: ml.m5.large", "instance: ml.m5.xlarge");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    assert_eq!(count("scaled"), Some(2));
    assert_eq!(target("scaled").map(|target| (target.min_capacity, target.max_capacity)), Some((1, 2)));
    assert_eq!(policies("scaled"), ["scones"]);

    // An update that SageMaker takes back leaves the old fleet scaled as before.
    project.edit("environments/toy.yaml", "net:1\n", "net:2\n    environment: { SCONES_LOCAL_FAIL: \"no memory\" }\n");
    project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert_eq!(policies("scaled"), ["scones"]);
    project.edit("environments/toy.yaml", "net:2\n    environment: { SCONES_LOCAL_FAIL: \"no memory\" }\n", "net:1\n");

    project.scones(&["destroy", "toy", "--yes"]).expect(0);
    assert_eq!(target("scaled"), None);
    assert_no_violations();
}

#[test]
fn scaling_that_nobody_declared_goes() {
    let project = Project::from_fixture("toy", "unscaled").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.edit("environments/toy.yaml", SCALING, "");
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(changes(&plan), [("endpoints.net".to_owned(), "scaling.AllTraffic".to_owned())]);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!(target("unscaled"), None);
    project.scones(&["plan", "toy"]).expect(0);

    let request = scaling()
        .register_scalable_target()
        .service_namespace(ServiceNamespace::Sagemaker)
        .resource_id("endpoint/unscaled-toy-net/variant/AllTraffic")
        .scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount)
        .min_capacity(1)
        .max_capacity(9);
    wait(request.send()).unwrap();
    let drift = project.scones(&["drift", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(changes(&drift), [("endpoints.net".to_owned(), "scaling.AllTraffic".to_owned())]);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!(target("unscaled"), None);
    assert_no_violations();
}
