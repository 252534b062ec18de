//! Tests of the evaluation: against numpy, against what must always hold, against what people tamper with.

mod kept;
mod oracle;
mod pages;
mod properties;

use std::time::Duration;

use super::{Answer, Context, Evaluation, TestSet};

fn context() -> Context {
    Context {
        app: "scones-unlimited".into(),
        environment: "dev".into(),
        endpoint: "scones-unlimited-dev-classifier".into(),
        endpoint_config: "scones-unlimited-dev-classifier-1f0c7d2e9a".into(),
        models: vec!["scones-unlimited-dev-classifier-8b1a53c0de".into()],
        model_digest: "sha256:8d5e957f297893487bd98fa830fa6413a3bd1f9ac9e57d0c3f1a02a1f3a5bb0c".into(),
        test_set: TestSet {
            address: "s3://scones-unlimited-dev-data-123456789012-us-east-1/test/".into(),
            digest: "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae".into(),
        },
        started_at: "2026-11-22T10:00:00Z".into(),
        concurrency: 8,
    }
}

fn answer(key: &str, truth: usize, probabilities: &[f64], ms: u64) -> Answer {
    Answer { key: key.into(), truth, outcome: Ok(probabilities.to_vec()), latency: Duration::from_millis(ms) }
}

fn failure(key: &str, truth: usize, reason: &str) -> Answer {
    Answer { key: key.into(), truth, outcome: Err(reason.into()), latency: Duration::from_secs(60) }
}

fn two() -> Vec<String> {
    vec!["bicycle".into(), "motorcycle".into()]
}

fn measured(answers: &[Answer]) -> Evaluation {
    Evaluation::measure(context(), two(), 0.93, answers, Duration::from_secs(2)).unwrap()
}

/// 200 pictures as a good model answers them: some mistakes, some doubts, three failures.
fn sample() -> Evaluation {
    let mut answers: Vec<Answer> = (0..200_u32)
        .map(|index| {
            let truth = (index % 2) as usize;
            let of_truth = match index {
                _ if index % 23 == 5 => 0.02 + f64::from(index) / 500.0,
                _ if index % 7 == 0 => 0.55 + f64::from(index) / 500.0,
                _ => 0.95 + f64::from(index % 50) / 1000.0,
            };
            let mut probabilities = [1.0 - of_truth; 2];
            probabilities[truth] = of_truth;
            let name = ["bicycle", "motorcycle"][truth];
            answer(&format!("test/{name}/{name}_s_{index:06}.png"), truth, &probabilities, 30 + u64::from(index * index % 97))
        })
        .collect();
    answers.push(answer("test/bicycle/slow.png", 0, &[0.97, 0.03], 812));
    answers.push(failure("test/bicycle/gone.png", 0, "ModelError: the model's container answered 500"));
    answers.push(failure("test/bicycle/odd.png", 0, "ModelError: the model's container answered 500"));
    answers.push(answer("test/motorcycle/three.png", 1, &[0.1, 0.2, 0.7], 40));
    measured(&answers)
}
