//! A model from the registry: it waits for an approved package, follows the approvals, and the evidence is kept.

use aws_sdk_sagemaker::types::{InferenceSpecification, ModelApprovalStatus, ModelPackageContainerDefinition};

use crate::support::{Project, actions, assert_no_violations, sdk, wait};

const GROUP: &str = "registry-toy-nets";

fn sagemaker() -> aws_sdk_sagemaker::Client {
    aws_sdk_sagemaker::Client::new(sdk())
}

/// Registers a version of the group and returns its ARN.
fn register(status: ModelApprovalStatus) -> String {
    let container = ModelPackageContainerDefinition::builder()
        .image("123456789012.dkr.ecr.us-east-1.amazonaws.com/net:1")
        .model_data_url("s3://scones-local-models/classifier/model.tar.gz")
        .build();
    let inference = InferenceSpecification::builder()
        .containers(container)
        .supported_content_types("application/x-image")
        .supported_response_mime_types("application/json")
        .build();
    let request = sagemaker().create_model_package().model_package_group_name(GROUP).inference_specification(inference);
    wait(request.model_approval_status(status).send()).unwrap().model_package_arn.unwrap()
}

fn decide(package: &str, status: ModelApprovalStatus) {
    wait(sagemaker().update_model_package().model_package_arn(package).model_approval_status(status).send()).unwrap();
}

/// The package of the model that the endpoint serves.
fn served() -> Option<String> {
    let endpoint = wait(sagemaker().describe_endpoint().endpoint_name("registry-toy-net").send()).unwrap();
    let config = endpoint.endpoint_config_name.unwrap();
    let config = wait(sagemaker().describe_endpoint_config().endpoint_config_name(config).send()).unwrap();
    let model = config.production_variants()[0].model_name.clone().unwrap();
    let model = wait(sagemaker().describe_model().model_name(model).send()).unwrap();
    model.primary_container?.model_package_name
}

#[test]
fn a_model_follows_the_approvals_of_its_group() {
    let project = Project::from_fixture("toy", "registry").destroyed_at_end("toy");
    project.edit(
        "environments/toy.yaml",
        "    image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/net:1\n    artifact: s3://scones-local-models/classifier/model.tar.gz\n",
        "    package: \"${model_package_groups.nets.latest_approved}\"\n",
    );
    // Nothing is approved: model, endpoint and what Model Monitor would watch wait, all else is there.
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    let blocked: Vec<String> = actions(&plan).into_iter().filter(|(_, action)| action == "blocked").map(|(at, _)| at).collect();
    assert_eq!(blocked, ["models.net", "endpoints.net", "monitors.features"]);
    let run = project.scones(&["apply", "toy", "--yes"]).expect(5);
    let text = format!("{}{}", run.stdout, run.stderr);
    assert!(text.contains("no approved package in the group registry-toy-nets yet: approve one"), "{text}");
    let first = register(ModelApprovalStatus::PendingManualApproval);
    project.scones(&["apply", "toy", "--yes"]).expect(5);

    // Approved: they are made.
    decide(&first, ModelApprovalStatus::Approved);
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(actions(&plan).len(), 3, "{:?}", actions(&plan));
    assert!(plan.to_string().contains(&first), "the plan shows which package it is");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    project.scones(&["drift", "toy"]).expect(0);
    assert_eq!(served(), Some(first.clone()));

    // A newer one is followed, and so is the way back when it loses its approval.
    let second = register(ModelApprovalStatus::Approved);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    assert_eq!(served(), Some(second.clone()));
    decide(&second, ModelApprovalStatus::Rejected);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    assert_eq!(served(), Some(first.clone()));

    // With none left, what is there stays.
    decide(&first, ModelApprovalStatus::Rejected);
    project.scones(&["apply", "toy", "--yes"]).expect(5);
    assert_eq!(served(), Some(first.clone()));

    // Packages are evidence: the group stays until its file says otherwise.
    let run = project.scones(&["destroy", "toy", "--yes"]).expect(1);
    let text = format!("{}{}", run.stdout, run.stderr);
    assert!(text.contains("it holds 2 model packages") && text.contains("delete_packages_on_destroy: true"), "{text}");
    project.edit(
        "environments/toy.yaml",
        "{ description: Networks of all sorts }",
        "{ description: Networks of all sorts, delete_packages_on_destroy: true }",
    );
    project.scones(&["apply", "toy", "--yes"]).expect(5);
    project.scones(&["destroy", "toy", "--yes"]).expect(0);
    assert!(wait(sagemaker().describe_model_package_group().model_package_group_name(GROUP).send()).is_err());
    assert_no_violations();
}

#[test]
fn a_pinned_package_must_be_approved() {
    let project = Project::from_fixture("toy", "pinned").destroyed_at_end("toy");
    project.edit(
        "environments/toy.yaml",
        "    image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/net:1\n    artifact: s3://scones-local-models/classifier/model.tar.gz\n",
        "    package: arn:aws:sagemaker:us-east-1:123456789012:model-package/nobody/7\n",
    );
    let run = project.scones(&["plan", "toy"]).expect(2);
    assert!(
        run.stdout.contains("there is no model package arn:aws:sagemaker:us-east-1:123456789012:model-package/nobody/7 yet"),
        "{}",
        run.stdout
    );
}
