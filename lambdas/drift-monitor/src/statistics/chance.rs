//! What the population stability index is when nothing has shifted.

use fastrand::Rng;

use super::{psi, shares};

/// From this many records on, a sample is taken for the population.
const LARGE: u64 = 2000;

/// How often samples are drawn. The 95 % point of 400 is known to a few per cent.
const DRAWS: usize = 400;

/// The index that 19 of 20 samples stay below if nothing has shifted: `actual_records` are drawn from a population with
/// these shares, and `expected_records` for its baseline too. Small samples give large indices: with ten bins and 20
/// records, one above 0.25 is the rule. The same numbers give the same answer.
pub fn psi_by_chance(population: &[f64], expected_records: u64, actual_records: u64) -> f64 {
    if expected_records == 0 || actual_records == 0 {
        return 0.0;
    }
    if expected_records >= LARGE && actual_records >= LARGE {
        let bins = population.iter().filter(|share| **share > 0.0).count();
        return asymptotic(bins, expected_records, actual_records);
    }
    let limits: Vec<f64> = population.iter().scan(0.0, |sum, share| Some(add(sum, *share))).collect();
    let mut random = Rng::with_seed(0x5c0e5);
    let mut draw = || {
        psi(
            &sample(population, &limits, expected_records, &mut random),
            &sample(population, &limits, actual_records, &mut random),
        )
    };
    let mut indices: Vec<f64> = (0..DRAWS).filter_map(|_| draw()).collect();
    indices.sort_by(f64::total_cmp);
    indices.get(DRAWS * 19 / 20).copied().unwrap_or(0.0)
}

fn add(sum: &mut f64, share: f64) -> f64 {
    *sum += share;
    *sum
}

/// The shares of so many records drawn from the population. `limits` are the sums of its shares.
fn sample(population: &[f64], limits: &[f64], records: u64, random: &mut Rng) -> Vec<f64> {
    if records >= LARGE {
        return population.to_vec();
    }
    let whole = limits.last().copied().unwrap_or(0.0);
    let mut counts = vec![0; population.len()];
    for _ in 0..records {
        let at = random.f64() * whole;
        if let Some(count) = counts.get_mut(limits.partition_point(|limit| *limit <= at)) {
            *count += 1;
        }
    }
    shares(&counts).unwrap_or_default()
}

/// `(1/n + 1/m)` times the 95 % point of the χ² distribution with one degree of freedom less than there are bins
/// (Yurdakul and Naranjo, "Statistical properties of the population stability index", 2020), that point by Wilson and
/// Hilferty.
fn asymptotic(bins: usize, expected_records: u64, actual_records: u64) -> f64 {
    const NORMAL_95: f64 = 1.644_853_626_951_472_2;
    if bins < 2 {
        return 0.0;
    }
    let freedom = (bins - 1) as f64;
    let spread = 2.0 / (9.0 * freedom);
    let point = freedom * (1.0 - spread + NORMAL_95 * spread.sqrt()).powi(3);
    point * (1.0 / expected_records as f64 + 1.0 / actual_records as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVEN: [f64; 10] = [0.1; 10];

    /// What a confident model answers.
    const PEAKED: [f64; 10] = [0.42, 0.03, 0.015, 0.01, 0.01, 0.01, 0.01, 0.015, 0.03, 0.45];

    /// The 95 % points of 2000 indices that numpy drew (`random.multinomial`), and how far 400 may be from them.
    #[test]
    fn chance_is_what_numpy_draws() {
        for (population, expected, actual, point) in [
            (EVEN, 1000, 20, 2.36),
            (EVEN, 1000, 100, 0.204),
            (EVEN, 1000, 200, 0.105),
            (EVEN, 200, 200, 0.177),
            (PEAKED, 1000, 20, 0.898),
            (PEAKED, 1000, 100, 0.323),
            (PEAKED, 200, 500, 0.182),
        ] {
            let found = psi_by_chance(&population, expected, actual);
            assert!((found / point - 1.0).abs() < 0.15, "{expected} {actual}: {found} is not {point}");
        }
    }

    #[test]
    fn large_samples_follow_the_chi_squared_distribution() {
        // scipy's chi2.ppf(0.95, k)
        for (freedom, point) in [(1, 3.841), (2, 5.991), (5, 11.070), (9, 16.919), (19, 30.144)] {
            let population = vec![1.0 / (freedom + 1) as f64; freedom + 1];
            let found = psi_by_chance(&population, 4000, 4000) * 2000.0;
            assert!((found - point).abs() < 0.1, "{freedom}: {found}");
        }
        // Both ways agree where they meet.
        let (drawn, known) = (psi_by_chance(&EVEN, LARGE - 1, LARGE - 1), psi_by_chance(&EVEN, LARGE, LARGE));
        assert!((drawn / known - 1.0).abs() < 0.15, "{drawn} {known}");
    }

    #[test]
    fn without_a_choice_there_is_no_chance() {
        assert_eq!(psi_by_chance(&[1.0], 10, 10), 0.0);
        assert_eq!(psi_by_chance(&[0.0, 1.0], 5000, 5000), 0.0);
        assert_eq!(psi_by_chance(&EVEN, 0, 10), 0.0);
        assert_eq!(psi_by_chance(&[], 10, 10), 0.0);
        assert_eq!(psi_by_chance(&PEAKED, 300, 30), psi_by_chance(&PEAKED, 300, 30));
    }
}
