//! What holds for all test sets.

use std::time::Duration;

use proptest::prelude::*;

use super::super::{Answer, Evaluation, html, json, text};
use super::{context, measured};

const CLASSES: usize = 3;

fn an_outcome() -> impl Strategy<Value = Result<Vec<f64>, String>> {
    let weights = prop::collection::vec(0.0..1.0_f64, CLASSES).prop_map(|weights| {
        let sum: f64 = weights.iter().sum();
        Ok(if sum > 0.0 { weights.iter().map(|weight| weight / sum).collect() } else { vec![1.0, 0.0, 0.0] })
    });
    let rubbish = prop::collection::vec(prop::num::f64::ANY, 0..5).prop_map(Ok);
    prop_oneof![8 => weights, 1 => "[a-z<>&\"']{0,6}".prop_map(Err), 1 => rubbish]
}

fn answers() -> impl Strategy<Value = Vec<Answer>> {
    let one = (any::<u16>(), 0..CLASSES, an_outcome(), 0..5_000_000_u64).prop_map(|(key, truth, outcome, us)| Answer {
        key: format!("{key}/<script>"),
        truth,
        outcome,
        latency: Duration::from_micros(us),
    });
    prop::collection::vec(one, 1..60)
}

fn measure(answers: &[Answer]) -> Evaluation {
    let classes = vec!["a".into(), "<b>".into(), "c & d".into()];
    Evaluation::measure(context(), classes, 0.6, answers, Duration::from_secs(3)).unwrap()
}

proptest! {
    #[test]
    fn counts_sum_up(answers in answers()) {
        let found = measure(&answers);
        prop_assert_eq!(found.pictures, answers.len() as u64);
        prop_assert_eq!(found.answered + found.failures.count, found.pictures);
        for (row, score) in found.confusion.iter().zip(&found.per_class) {
            prop_assert_eq!(row.iter().sum::<u64>(), score.support);
        }
        prop_assert_eq!(found.per_class.iter().map(|score| score.failed).sum::<u64>(), found.failures.count);
        prop_assert_eq!(found.failures.reasons.iter().map(|reason| reason.count).sum::<u64>(), found.failures.count);
        let in_bins: u64 = found.confidence.iter().flat_map(|confidence| &confidence.calibration).map(|bin| bin.count).sum();
        prop_assert_eq!(in_bins, found.answered);
        let in_histogram: u64 = found.latency.iter().flat_map(|latency| &latency.histogram.counts).sum();
        prop_assert_eq!(in_histogram, found.answered);
    }

    #[test]
    fn shares_are_shares(answers in answers()) {
        let found = measure(&answers);
        let scores = found.per_class.iter().flat_map(|score| [score.precision, score.recall, score.f1]).flatten();
        let of_confidence = found.confidence.iter().flat_map(|of| [of.mean, of.below_threshold, of.calibration_error]);
        for share in scores.chain(of_confidence).chain([found.accuracy.low, found.accuracy.high]) {
            prop_assert!((0.0..=1.0).contains(&share), "{}", share);
        }
        prop_assert!(found.accuracy.low <= found.accuracy.value && found.accuracy.value <= found.accuracy.high);
    }

    #[test]
    fn the_order_of_answers_makes_no_difference(answers in answers(), seed in any::<u64>()) {
        let mut shuffled = answers.clone();
        shuffled.sort_by_key(|answer| (answer.latency.as_micros() as u64).wrapping_mul(seed | 1));
        prop_assert_eq!(measure(&answers), measure(&shuffled));
    }

    #[test]
    fn what_is_written_can_be_read(answers in answers()) {
        let found = measure(&answers);
        let read = Evaluation::parse(&json(&found)).unwrap();
        prop_assert_eq!((read.confusion, read.mistakes.len(), read.correct), (found.confusion, found.mistakes.len(), found.correct));
    }

    #[test]
    fn text_fits_the_terminal(answers in answers(), width in 72..120_usize) {
        let shown = text(&measure(&answers), width);
        for line in anstream::adapter::strip_str(&shown).to_string().lines() {
            prop_assert!(line.chars().count() <= width, "{} > {}: {}", line.chars().count(), width, line);
        }
    }

    #[test]
    fn pages_hold_no_markup_from_elsewhere(answers in answers()) {
        let page = html(&measure(&answers));
        prop_assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("c & d"));
    }

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
        prop_assert!(Evaluation::parse(&text).is_err());
    }

    #[test]
    fn one_more_right_answer_is_never_worse(answers in answers()) {
        let two: Vec<Answer> = answers.into_iter().filter(|answer| answer.truth < 2).collect();
        prop_assume!(!two.is_empty());
        let mut more = two.clone();
        more.push(super::answer("one", 0, &[1.0, 0.0], 5));
        prop_assert!(measured(&more).accuracy.value >= measured(&two).accuracy.value);
    }
}
