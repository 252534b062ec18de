//! The images of SageMaker's built-in algorithms, which lie in an account of AWS's own per region.

/// The accounts that hold the image of `image-classification`, by region.
///
/// Source: `image_uri_config/image-classification.json` of the package `sagemaker` 2.257.7 on PyPI. The isolated regions
/// in it are left out: their registries have other host names.
const IMAGE_CLASSIFICATION: [(&str, &str); 33] = [
    ("af-south-1", "455444449433"),
    ("ap-east-1", "286214385809"),
    ("ap-northeast-1", "501404015308"),
    ("ap-northeast-2", "306986355934"),
    ("ap-northeast-3", "867004704886"),
    ("ap-south-1", "991648021394"),
    ("ap-south-2", "628508329040"),
    ("ap-southeast-1", "475088953585"),
    ("ap-southeast-2", "544295431143"),
    ("ap-southeast-3", "951798379941"),
    ("ap-southeast-4", "106583098589"),
    ("ca-central-1", "469771592824"),
    ("ca-west-1", "190319476487"),
    ("cn-north-1", "390948362332"),
    ("cn-northwest-1", "387376663083"),
    ("eu-central-1", "813361260812"),
    ("eu-central-2", "680994064768"),
    ("eu-north-1", "669576153137"),
    ("eu-south-1", "257386234256"),
    ("eu-south-2", "104374241257"),
    ("eu-west-1", "685385470294"),
    ("eu-west-2", "644912444149"),
    ("eu-west-3", "749696950732"),
    ("il-central-1", "898809789911"),
    ("me-central-1", "272398656194"),
    ("me-south-1", "249704162688"),
    ("sa-east-1", "855470959533"),
    ("us-east-1", "811284229777"),
    ("us-east-2", "825641698319"),
    ("us-gov-east-1", "237065988967"),
    ("us-gov-west-1", "226302683700"),
    ("us-west-1", "632365934929"),
    ("us-west-2", "433757028032"),
];

/// The accounts that hold the prebuilt image of Model Monitor, by region.
///
/// Source: `image_uri_config/model-monitor.json` of the same package; AWS names no account for regions that are not here.
const MODEL_MONITOR: [(&str, &str); 28] = [
    ("af-south-1", "875698925577"),
    ("ap-east-1", "001633400207"),
    ("ap-northeast-1", "574779866223"),
    ("ap-northeast-2", "709848358524"),
    ("ap-northeast-3", "990339680094"),
    ("ap-south-1", "126357580389"),
    ("ap-southeast-1", "245545462676"),
    ("ap-southeast-2", "563025443158"),
    ("ap-southeast-3", "669540362728"),
    ("ca-central-1", "536280801234"),
    ("cn-north-1", "453000072557"),
    ("cn-northwest-1", "453252182341"),
    ("eu-central-1", "048819808253"),
    ("eu-central-2", "590183933784"),
    ("eu-north-1", "895015795356"),
    ("eu-south-1", "933208885752"),
    ("eu-south-2", "437450045455"),
    ("eu-west-1", "468650794304"),
    ("eu-west-2", "749857270468"),
    ("eu-west-3", "680080141114"),
    ("il-central-1", "843974653677"),
    ("me-central-1", "588750061953"),
    ("me-south-1", "607024016150"),
    ("sa-east-1", "539772159869"),
    ("us-east-1", "156813124566"),
    ("us-east-2", "777275614652"),
    ("us-west-1", "890145073186"),
    ("us-west-2", "159807026194"),
];

/// The name that stands for the image of a built-in algorithm.
pub const BUILT_IN: &str = "image-classification";

/// The image of a built-in algorithm in a region, if it is known.
pub fn built_in(name: &str, region: &str) -> Option<String> {
    (name == BUILT_IN).then(|| image_classification(region)).flatten()
}

/// The image of the built-in algorithm in a region, if AWS has it there.
pub fn image_classification(region: &str) -> Option<String> {
    let (_, account) = IMAGE_CLASSIFICATION.iter().find(|(name, _)| *name == region)?;
    Some(format!("{account}.dkr.ecr.{region}.{}/{BUILT_IN}:1", domain(region)))
}

/// The prebuilt image that Model Monitor analyses data with, if AWS has it in the region. It has no tag but the usual one.
pub fn model_monitor(region: &str) -> Option<String> {
    let (_, account) = MODEL_MONITOR.iter().find(|(name, _)| *name == region)?;
    Some(format!("{account}.dkr.ecr.{region}.{}/sagemaker-model-monitor-analyzer", domain(region)))
}

/// The region of an image in ECR.
pub fn region(image: &str) -> Option<&str> {
    let host = image.split('/').next()?;
    let (_, rest) = host.split_once(".dkr.ecr.").or_else(|| host.split_once(".dkr.ecr-fips."))?;
    rest.split_once(".amazonaws.").map(|(region, _)| region)
}

fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_the_built_in_algorithm() {
        let image = image_classification("us-east-1");
        assert_eq!(image.as_deref(), Some("811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"));
        assert_eq!(image.as_deref().and_then(region), Some("us-east-1"));
        assert!(image_classification("cn-north-1").is_some_and(|image| image.contains(".amazonaws.com.cn/")));
        assert_eq!(image_classification("xx-north-1"), None);
    }

    #[test]
    fn resolves_model_monitor() {
        let image = model_monitor("eu-west-1");
        assert_eq!(image.as_deref(), Some("468650794304.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer"));
        assert_eq!(model_monitor("us-gov-west-1"), None);
    }

    #[test]
    fn lists_each_region_once_in_order() {
        for table in [&IMAGE_CLASSIFICATION[..], &MODEL_MONITOR[..]] {
            assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0));
            assert!(table.iter().all(|(_, account)| account.len() == 12));
        }
    }
}
