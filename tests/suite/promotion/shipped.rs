//! Scones Unlimited as shipped goes from one account into another, breaks there, and goes back.

use std::process::Command;

use tempfile::TempDir;

use super::{account, code, get, measured, served};
use crate::support::{Run, actions, cloud, repository, sdk, wait};
use crate::workload::write_archive;

/// A shipped environment under another name. Its file lies in the repository, since sources are found from there.
struct Shipped(tempfile::NamedTempFile);

impl Shipped {
    fn new(text: &str) -> Self {
        let file = tempfile::Builder::new().prefix(".suite-").suffix(".yaml").tempfile_in(repository()).unwrap();
        std::fs::write(file.path(), format!("{text}app: promoted\n")).unwrap();
        Self(file)
    }

    fn name(&self) -> &str {
        self.0.path().file_name().unwrap().to_str().unwrap()
    }

    fn scones(&self, command: &str, more: &[&str]) -> Run {
        let mut scones = Command::new(env!("CARGO_BIN_EXE_scones"));
        scones.arg(command).arg(self.name()).args(more).current_dir(repository()).env("NO_COLOR", "1").envs(cloud());
        scones.output().unwrap().into()
    }
}

impl Drop for Shipped {
    fn drop(&mut self) {
        let run = self.scones("destroy", &["--yes"]);
        if !std::thread::panicking() {
            run.expect(0);
        }
    }
}

const DEV: &str = "extends: environments/local-trained.yaml\nenvironment: dev\n";
const PROD: &str = "extends: environments/prod.yaml
assume_role: arn:aws:iam::111122223333:role/deploy
protect: false
drift_check: null
state_machines: { classify: { rollout: null } }
stacks: { foundation: { termination_protection: false, empty_on_destroy: true } }
model_package_groups: { classifier: { delete_packages_on_destroy: true } }
";

/// A release with which no picture is sure enough, and the way back.
fn broken_and_rolled_back(prod: &Shipped) {
    let picture = repository().join("tests/fixtures/pictures/bicycle.png");
    let result = || prod.scones("run", &[picture.to_str().unwrap()]).expect(0).stdout;
    assert!(result().contains("bicycle"), "{}", result());
    let text = std::fs::read_to_string(prod.0.path()).unwrap();
    std::fs::write(prod.0.path(), format!("{text}values: {{ threshold: \"0.9999999\" }}\n")).unwrap();
    prod.scones("apply", &["--yes"]).expect(0);
    assert!(result().contains("below threshold"), "{}", result());
    let run = prod.scones("rollback", &["--yes"]).expect(0);
    assert!(run.stdout.contains("THRESHOLD") && run.stderr.contains("The files say something else"), "{run:?}");
    assert!(result().contains("bicycle"), "{}", result());
    prod.scones("plan", &[]).expect(2);
}

/// Scones Unlimited as shipped: the model package that dev trained and approved becomes an artifact of prod's account.
#[test]
fn scones_unlimited_goes_from_dev_to_prod() {
    let account = account("111122223333");
    let (dev, prod) = (Shipped::new(DEV), Shipped::new(PROD));
    dev.scones("apply", &["--yes"]).expect(5);
    let folder = TempDir::new().unwrap();
    let archive = folder.path().join("cifar.tar.gz");
    write_archive(&archive, 150, 60);
    dev.scones("stage", &["--archive", archive.to_str().unwrap()]).expect(0);
    dev.scones("train", &[]).expect(0);
    dev.scones("apply", &["--yes"]).expect(0);
    prod.scones("apply", &["--yes"]).expect(5);

    let run = dev.scones("promote", &[prod.name()]).expect(1);
    assert!(run.stderr.contains("2 pieces of evidence are missing"), "{run:?}");
    dev.scones("evaluate", &[]).expect(0);
    measured("promoted-dev-classifier", "promoted-dev-prediction-drift", 0.05, 0);
    dev.scones("promote", &[prod.name(), "--check"]).expect(2);
    dev.scones("promote", &[prod.name()]).expect(0);
    dev.scones("promote", &[prod.name()]).expect(0);

    // The functions run what is pinned already; the rest is what waited for the model.
    let plan = prod.scones("plan", &["--format", "json"]).expect(2).json();
    let mut found = actions(&plan);
    found.sort();
    let created = |address: &str| (address.to_owned(), "create".to_owned());
    assert_eq!(found, [created("endpoints.classifier"), created("models.classifier")]);
    prod.scones("apply", &["--yes"]).expect(0);
    prod.scones("plan", &[]).expect(0);
    for function in ["serialize-image-data", "image-classification", "filter-inference-result", "drift-monitor"] {
        assert_eq!(code(sdk(), &format!("promoted-dev-{function}")), code(&account.sdk, &format!("promoted-prod-{function}")));
    }
    let place = served(&account.sdk, "promoted-prod-classifier");
    let trained = trained("promoted-dev-classifier");
    assert_eq!(get(&account.sdk, (&place.0, &place.1)), get(sdk(), (&trained.0, &trained.1)));
    broken_and_rolled_back(&prod);
    // Both first, while the other account is there.
    drop(prod);
    drop(dev);
    account.assert_no_violations();
}

/// The artifact of the package behind an endpoint.
fn trained(endpoint: &str) -> (String, String) {
    let client = aws_sdk_sagemaker::Client::new(sdk());
    let url = wait(async {
        let endpoint = client.describe_endpoint().endpoint_name(endpoint).send().await.unwrap();
        let config = client.describe_endpoint_config().endpoint_config_name(endpoint.endpoint_config_name.unwrap());
        let model = config.send().await.unwrap().production_variants.unwrap().remove(0).model_name.unwrap();
        let model = client.describe_model().model_name(model).send().await.unwrap();
        let package = model.primary_container.unwrap().model_package_name.unwrap();
        let package = client.describe_model_package().model_package_name(package).send().await.unwrap();
        package.inference_specification.unwrap().containers.unwrap().remove(0).model_data_url.unwrap()
    });
    let (bucket, key) = url.strip_prefix("s3://").unwrap().split_once('/').unwrap();
    (bucket.to_owned(), key.to_owned())
}
