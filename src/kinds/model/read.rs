//! Reading models: all generations of each, and which of them is the one wanted.

use aws_sdk_sagemaker::operation::describe_model::DescribeModelOutput;
use aws_sdk_sagemaker::types::{
    ContainerDefinition, ContainerMode, ModelCacheSetting, ModelCompressionType, ModelSortKey, OrderKey, RepositoryAccessMode,
    S3ModelDataSource, S3ModelDataType,
};
use futures::future::try_join_all;

use super::State;
use crate::artifact::{Artifact, plain_etag};
use crate::aws::{Aws, AwsError, Optional};
use crate::kind::{Generation, Live, Namesake, Unchecked, Wanted};
use crate::kinds::sagemaker::{Others, Vpc, base, note, searches};

/// Finds every model's generations. The live one is what has the desired content, else the newest.
pub async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
    let searches = searches(wanted.iter().map(|one| one.name.as_str()), &aws.world.prefix(), aws.looks_at_all());
    let found = try_join_all(searches.iter().map(|text| list(aws, text))).await?.concat();
    let all = try_join_all(wanted.iter().map(|one| async {
        let names = found.iter().map(|(name, _)| name).filter(|name| base(name) == Some(&one.name));
        let found = try_join_all(names.map(|name| describe(aws, name))).await?;
        let mut found: Vec<Live<State>> = found.into_iter().flatten().collect();
        if let Some(desired) = &one.desired {
            look_at_artifact(aws, desired, &mut found).await?;
        }
        Ok::<_, AwsError>(choose(one, found))
    }));
    Ok(all.await?.into_iter().flatten().collect())
}

/// Notes in the models of a pinned artifact what ETag its object has by now. SageMaker keeps none.
async fn look_at_artifact(aws: &Aws, desired: &State, found: &mut [Live<State>]) -> Result<(), AwsError> {
    let (Some(artifact), Some(pinned)) = (&desired.artifact, &desired.etag) else { return Ok(()) };
    let mut same: Vec<&mut Live<State>> =
        found.iter_mut().filter(|live| live.state.artifact.as_ref() == Some(artifact)).collect();
    let Some(place) = Artifact::parse(artifact).filter(|_| !same.is_empty()) else { return Ok(()) };
    let (etag, unchecked) = match etag(aws, &place).await {
        Ok(etag) => (etag, None),
        // Who plans need not be able to read artifacts.
        Err(error) if error.is_access_denied() => {
            let part = "the artifact's ETag".to_owned();
            (Some(pinned.clone()), Some(Unchecked { part, why: error.to_string(), failed: false }))
        }
        Err(error) if is_elsewhere(&error) => (None, None),
        Err(error) => return Err(error),
    };
    for live in &mut same {
        live.state.etag.clone_from(&etag);
        live.look.unchecked.extend(unchecked.clone());
    }
    Ok(())
}

/// The ETag of an object, if there is one.
async fn etag(aws: &Aws, place: &Artifact) -> Result<Option<String>, AwsError> {
    let request = aws.s3().head_object().bucket(&place.bucket).key(&place.key);
    let found = aws.call("s3:GetObject", &format!("{}/{}", place.bucket, place.key), request.send()).await.optional()?;
    Ok(found.map(|found| plain_etag(found.e_tag().unwrap_or_default()).to_owned()))
}

/// S3 redirects to a bucket of another region; a HEAD request has no body that would name it.
fn is_elsewhere(error: &AwsError) -> bool {
    error.code == "HTTP 301" || error.code == "PermanentRedirect"
}

/// Says what is wrong with where an artifact should lie, and with what lies there if its ETag is pinned.
pub async fn missing(aws: &Aws, artifact: &str, pinned: Option<&str>) -> Result<Option<String>, AwsError> {
    let Some(place) = Artifact::parse(artifact) else { return Ok(None) };
    match etag(aws, &place).await {
        Ok(None) => Ok(Some(format!("there is no {artifact} yet"))),
        Ok(Some(etag)) => Ok(pinned.filter(|pinned| *pinned != etag).map(|pinned| {
            format!("{artifact} is not what was pinned: its ETag is {etag}, not {pinned}. Promote again, or put the object back")
        })),
        Err(error) if is_elsewhere(&error) => Ok(Some(format!("{artifact} lies in another region than {}", aws.world.region))),
        // Who plans need not be able to read artifacts, and S3 hides what is missing from who may not list.
        Err(error) if error.is_access_denied() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What else bears the environment's prefix.
pub async fn namesakes(aws: &Aws) -> Result<Vec<Namesake>, AwsError> {
    let prefix = aws.world.prefix();
    let found = list(aws, &prefix).await?.into_iter().filter(|(name, _)| name.starts_with(&prefix));
    Ok(found.map(|(name, arn)| Namesake { what: "model", name, arn }).collect())
}

/// The models whose names contain a text, newest first: names and ARNs.
pub async fn list(aws: &Aws, text: &str) -> Result<Vec<(String, String)>, AwsError> {
    aws.listing("sagemaker:ListModels", text, pages(aws, text)).await
}

async fn pages(aws: &Aws, text: &str) -> Result<Vec<(String, String)>, AwsError> {
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws
            .sagemaker()
            .list_models()
            .name_contains(text)
            .sort_by(ModelSortKey::CreationTime)
            .sort_order(OrderKey::Descending)
            .max_results(100)
            .set_next_token(next);
        let answer = aws.call("sagemaker:ListModels", text, request.send()).await?;
        let models = answer.models.unwrap_or_default().into_iter();
        found.extend(models.filter_map(|model| Some((model.model_name?, model.model_arn?))));
        next = answer.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

pub async fn describe(aws: &Aws, name: &str) -> Result<Option<Live<State>>, AwsError> {
    let request = aws.sagemaker().describe_model().model_name(name);
    let answer = aws.call("sagemaker:DescribeModel", name, request.send()).await.optional()?;
    Ok(answer.map(|answer| {
        let arn = answer.model_arn.clone().unwrap_or_default();
        Live::settled(name, arn, state(answer), None)
    }))
}

/// `found` comes newest first.
fn choose(wanted: &Wanted<State>, mut found: Vec<Live<State>>) -> Option<Live<State>> {
    let equal = |live: &Live<State>| wanted.desired.as_ref() == Some(&live.state);
    let chosen = found.iter().position(equal).unwrap_or(0);
    if found.is_empty() {
        return None;
    }
    let mut live = found.remove(chosen);
    live.generations =
        found.into_iter().map(|other| Generation { name: other.name, arn: None, in_use: false, refers: vec![] }).collect();
    Some(live)
}

/// What a model holds, its defaults folded: SageMaker answers with the mode, and with the artifact in both of its forms.
fn state(answer: DescribeModelOutput) -> State {
    let mut other = Others::new();
    note(&mut other, "inference_execution", answer.inference_execution_config);
    // A model has one primary container or a list of them.
    note(&mut other, "containers", answer.containers.filter(|containers| !containers.is_empty()));
    let container = answer.primary_container.unwrap_or_else(|| ContainerDefinition::builder().build());
    let package = container.model_package_name.clone();
    let artifact = artifact(&container);
    note_container(&mut other, &container, artifact.as_deref());
    State {
        // What a package gives may be echoed; it belongs to the package.
        image: container.image.filter(|_| package.is_none()),
        artifact: artifact.filter(|_| package.is_none()),
        etag: None,
        package,
        mode: container.mode.unwrap_or(ContainerMode::SingleModel).as_str().to_owned(),
        environment: container.environment.unwrap_or_default().into_iter().collect(),
        role: answer.execution_role_arn,
        network_isolation: answer.enable_network_isolation.unwrap_or_default(),
        vpc: answer.vpc_config.map(Vpc::of),
        other,
    }
}

/// The archive of an artifact, whichever of its two forms names it.
fn artifact(container: &ContainerDefinition) -> Option<String> {
    let source = container.model_data_source.as_ref().and_then(|source| source.s3_data_source.as_ref());
    let archive = source.filter(|source| is_archive(source)).and_then(|source| source.s3_uri.clone());
    container.model_data_url.clone().or(archive)
}

fn is_archive(source: &S3ModelDataSource) -> bool {
    source.s3_data_type == Some(S3ModelDataType::S3Object)
        && source.compression_type == Some(ModelCompressionType::Gzip)
        && source.model_access_config.is_none()
        && source.hub_access_config.is_none()
        && source.manifest_s3_uri.is_none()
}

/// Notes what a spec cannot say. The host name is left out: SageMaker ignores it where there is one container.
fn note_container(other: &mut Others, container: &ContainerDefinition, artifact: Option<&str>) {
    let source = container.model_data_source.as_ref();
    let same = |source: &S3ModelDataSource| is_archive(source) && source.s3_uri.as_deref() == artifact;
    note(other, "data_source", source.filter(|source| !source.s3_data_source.as_ref().is_some_and(same)));
    note(other, "more_data", container.additional_model_data_sources.as_ref().filter(|sources| !sources.is_empty()));
    let image = container.image_config.as_ref();
    note(other, "image_access", image.filter(|image| image.repository_access_mode != Some(RepositoryAccessMode::Platform)));
    note(other, "inference_specification", container.inference_specification_name.as_ref());
    let cache = container.multi_model_config.as_ref();
    note(other, "multi_model", cache.filter(|cache| cache.model_cache_setting != Some(ModelCacheSetting::Enabled)));
    note(other, "metrics", container.container_metrics_config.as_ref());
}

#[cfg(test)]
mod tests {
    use aws_sdk_sagemaker::types::ModelDataSource;

    use super::*;

    const URL: &str = "s3://bucket/model.tar.gz";

    fn container() -> aws_sdk_sagemaker::types::builders::ContainerDefinitionBuilder {
        ContainerDefinition::builder().image("i").model_data_url(URL)
    }

    fn source(url: &str, compression: ModelCompressionType) -> ModelDataSource {
        let source = S3ModelDataSource::builder()
            .s3_uri(url)
            .s3_data_type(S3ModelDataType::S3Object)
            .compression_type(compression)
            .build();
        ModelDataSource::builder().s3_data_source(source).build()
    }

    fn read(container: ContainerDefinition) -> State {
        state(DescribeModelOutput::builder().primary_container(container).build())
    }

    #[test]
    fn folds_what_sagemaker_adds() {
        let echoed = container()
            .mode(ContainerMode::SingleModel)
            .model_data_source(source(URL, ModelCompressionType::Gzip))
            .container_hostname("container-1")
            .build();
        let bare = ContainerDefinition::builder().image("i").model_data_source(source(URL, ModelCompressionType::Gzip)).build();
        assert_eq!(read(container().build()), read(echoed));
        assert_eq!(read(container().build()), read(bare));
    }

    #[test]
    fn what_a_package_gives_is_the_package_s() {
        let bare = ContainerDefinition::builder().model_package_name("p").build();
        let echoed = container().model_package_name("p").model_data_source(source(URL, ModelCompressionType::Gzip)).build();
        assert_eq!(read(echoed), read(bare));
    }

    #[test]
    fn shows_what_no_spec_can_say() {
        let other = |container: ContainerDefinition| read(container).other.into_keys().collect::<Vec<_>>();
        assert_eq!(other(container().build()), Vec::<String>::new());
        assert_eq!(other(container().model_data_source(source(URL, ModelCompressionType::None)).build()), ["data_source"]);
        assert_eq!(other(container().model_data_source(source("s3://b/c", ModelCompressionType::Gzip)).build()), ["data_source"]);
        assert_eq!(other(container().inference_specification_name("i").build()), ["inference_specification"]);
    }

    #[test]
    fn the_generation_wanted_is_the_live_one() {
        let live = |name: &str, url: &str| Live::settled(name, "", read(container().model_data_url(url).build()), None);
        let found = || vec![live("m-00000002", "s3://b/2"), live("m-00000001", "s3://b/1")];
        let wanted = |url: Option<&str>| Wanted { name: "m".into(), desired: url.map(|url| live("", url).state) };
        let chosen = |url: Option<&str>| choose(&wanted(url), found()).map(|live| (live.name, live.generations[0].name.clone()));
        assert_eq!(chosen(Some("s3://b/1")), Some(("m-00000001".into(), "m-00000002".into())));
        assert_eq!(chosen(Some("s3://b/3")), Some(("m-00000002".into(), "m-00000001".into())));
        assert_eq!(chosen(None), Some(("m-00000002".into(), "m-00000001".into())));
        assert_eq!(choose(&wanted(None), vec![]), None);
    }
}
