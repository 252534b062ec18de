//! Histograms as inline SVG: the baseline beside the window, bin by bin.

use std::fmt::Write;

use super::html::{escape, percent};

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 38.0;
const RIGHT: f64 = 342.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 164.0;

/// Where the axis of shares may end.
const CEILINGS: [f64; 8] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0];

/// The most labels below an axis of edges.
const LABELS: usize = 6;

/// A bin with its name and both shares.
#[derive(Debug, Clone, PartialEq)]
pub struct Bin {
    /// What it holds, such as `0.1 – 0.2`.
    pub name: String,
    /// The baseline's share.
    pub baseline: Option<f64>,
    /// The window's share.
    pub window: Option<f64>,
}

/// What stands below the bins.
#[derive(Debug, Clone, PartialEq)]
pub enum Axis {
    /// A label below each bin.
    Names(Vec<String>),
    /// A label at each limit, one more than there are bins.
    Edges(Vec<String>),
}

/// A chart. `about` is read to who does not see it.
pub fn svg(about: &str, bins: &[Bin], axis: &Axis) -> String {
    let highest = bins.iter().flat_map(|bin| [bin.baseline, bin.window]).flatten().fold(0.0, f64::max);
    let ceiling = CEILINGS.into_iter().find(|ceiling| highest <= *ceiling).unwrap_or(1.0);
    let step = (RIGHT - LEFT) / bins.len().max(1) as f64;
    let mut out = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">", escape(about));
    for part in [0.0, 0.5, 1.0] {
        let y = BOTTOM - part * (BOTTOM - TOP);
        let label = percent(ceiling * part, 0);
        let _ = write!(out, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>");
        let _ = write!(out, "<text class=\"y\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>", LEFT - 5.0, y + 3.5);
    }
    for (at, bin) in bins.iter().enumerate() {
        let x = LEFT + at as f64 * step;
        let told = |share: Option<f64>| share.map_or_else(|| "none".into(), |share| percent(share, 1));
        let (before, now) = (told(bin.baseline), told(bin.window));
        let _ = write!(out, "<g><title>{}: baseline {before}, window {now}</title>", escape(&bin.name));
        bar(&mut out, "baseline", x + step * 0.1, step * 0.39, bin.baseline.unwrap_or(0.0) / ceiling);
        bar(&mut out, "window", x + step * 0.51, step * 0.39, bin.window.unwrap_or(0.0) / ceiling);
        out.push_str("</g>");
    }
    labels(&mut out, axis, step);
    out + "</svg>"
}

fn bar(out: &mut String, class: &str, x: f64, width: f64, part: f64) {
    let height = part.clamp(0.0, 1.0) * (BOTTOM - TOP);
    if height > 0.0 {
        // A share that is there is seen, however small.
        let height = height.max(1.0);
        let y = BOTTOM - height;
        let _ = write!(out, "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>");
    }
}

fn labels(out: &mut String, axis: &Axis, step: f64) {
    let (names, offset, every) = match axis {
        Axis::Names(names) => (names, step / 2.0, names.len().div_ceil(LABELS)),
        Axis::Edges(edges) => (edges, 0.0, edges.len().saturating_sub(1).div_ceil(LABELS)),
    };
    for (at, name) in names.iter().enumerate().step_by(every.max(1)) {
        let x = LEFT + offset + at as f64 * step;
        let short: String = if name.chars().count() > 14 { name.chars().take(13).chain(['…']).collect() } else { name.clone() };
        let _ = write!(out, "<text class=\"x\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>", BOTTOM + 16.0, escape(&short));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(baseline: Option<f64>, window: Option<f64>) -> Bin {
        Bin { name: "<b>".into(), baseline, window }
    }

    #[test]
    fn a_bar_is_as_high_as_its_share() {
        let drawn = svg("a", &[bin(Some(0.5), Some(0.25)), bin(Some(0.5), None)], &Axis::Names(vec![]));
        assert_eq!(drawn.matches("<rect class=\"baseline\"").count(), 2);
        assert!(drawn.contains("<rect class=\"window\" x=\"115.5\" y=\"87.0\" width=\"59.3\" height=\"77.0\"/>"), "{drawn}");
        assert_eq!(drawn.matches("<rect class=\"window\"").count(), 1);
        assert!(drawn.contains("baseline 50.0 %, window none") && drawn.contains(">50 %<"), "{drawn}");
    }

    #[test]
    fn names_are_escaped_and_few() {
        let names = (0..40).map(|at| format!("<{at}>")).collect();
        let drawn = svg("\"><script>", &[bin(None, None)], &Axis::Names(names));
        assert!(!drawn.contains("<script") && !drawn.contains("<b>") && drawn.contains("&lt;b&gt;"));
        assert_eq!(drawn.matches("class=\"x\"").count(), 6);
    }
}
