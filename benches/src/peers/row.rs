//! A row of the table: what was measured of whom, and whether the goal is met.

use std::collections::BTreeMap;
use std::fmt;

use super::peer::Peer;

/// What a measurement of one peer in one round gives, or why there is none.
pub type Sample = Result<f64, String>;

/// One bound of a goal. All figures are better when lower.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// At most so much.
    AtMost(f64),
    /// At most so many times what this peer takes, in the same round.
    Times(f64, Peer),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Bound::AtMost(most) => write!(f, "≤ {most}"),
            Bound::Times(1.0, peer) => write!(f, "≤ {}", peer.name()),
            Bound::Times(times, peer) => write!(f, "≤ {times:.2} × {}", peer.name()),
        }
    }
}

/// Whether a bound holds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Verdict {
    /// It holds: the figure is so many times the bound, at most once.
    Met(f64),
    /// It does not: the figure is so many times the bound.
    Missed(f64),
    /// A figure is missing.
    Unknown,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Verdict::Met(_) => f.write_str("met"),
            Verdict::Missed(times) => write!(f, "missed by {:.0} %", (times - 1.0) * 100.0),
            Verdict::Unknown => f.write_str("not judged"),
        }
    }
}

/// What was measured, of each peer, in each round.
#[derive(Clone, Debug)]
pub struct Row {
    /// The part it belongs to: the argument that measures it alone.
    pub part: &'static str,
    /// The work, in words.
    pub work: String,
    /// The unit of the figures.
    pub unit: &'static str,
    /// What `cred-proxy` is to reach.
    pub goal: &'static [Bound],
    /// A figure for each round.
    pub samples: BTreeMap<Peer, Vec<f64>>,
    /// Who has no figure, and why.
    pub absent: BTreeMap<Peer, String>,
}

impl Row {
    /// A row without figures.
    pub fn new(
        part: &'static str,
        work: impl Into<String>,
        unit: &'static str,
        goal: &'static [Bound],
    ) -> Row {
        Row {
            part,
            work: work.into(),
            unit,
            goal,
            samples: BTreeMap::new(),
            absent: BTreeMap::new(),
        }
    }

    /// Takes the figure of a round. A peer that failed once has no figure at all.
    pub fn add(&mut self, peer: Peer, sample: Sample) {
        match sample {
            Ok(figure) => self.samples.entry(peer).or_default().push(figure),
            Err(why) => {
                self.absent.insert(peer, why);
            }
        }
        if self.absent.contains_key(&peer) {
            self.samples.remove(&peer);
        }
    }

    /// The median over the rounds.
    pub fn median(&self, peer: Peer) -> Option<f64> {
        self.samples.get(&peer).map(|figures| median(figures))
    }

    /// The least and the most of all rounds.
    pub fn spread(&self, peer: Peer) -> Option<(f64, f64)> {
        let figures = self.samples.get(&peer)?.iter().copied();
        Some((
            figures.clone().fold(f64::MAX, f64::min),
            figures.fold(f64::MIN, f64::max),
        ))
    }

    /// Does the product keep this bound? A ratio is taken within each round, and the median of
    /// these counts: what disturbs one round disturbs both sides of it.
    pub fn verdict(&self, bound: Bound) -> Verdict {
        let Some(own) = self.samples.get(&Peer::CredProxy) else {
            return Verdict::Unknown;
        };
        let ratio = match bound {
            Bound::AtMost(most) => median(own) / most,
            Bound::Times(times, peer) => {
                let Some(others) = self.samples.get(&peer) else {
                    return Verdict::Unknown;
                };
                let rounds = own.iter().zip(others);
                let ratios: Vec<f64> = rounds.map(|(own, other)| own / (other * times)).collect();
                median(&ratios)
            }
        };
        if ratio <= 1.0 {
            Verdict::Met(ratio)
        } else {
            Verdict::Missed(ratio)
        }
    }
}

/// The middle one, or the mean of the two in the middle; not a number if there is none.
pub fn median(figures: &[f64]) -> f64 {
    (quantile(figures, 0.5, f64::floor) + quantile(figures, 0.5, f64::ceil)) / 2.0
}

/// The figure that 99 of 100 do not exceed.
pub fn ninety_ninth(figures: &[f64]) -> f64 {
    quantile(figures, 0.99, f64::ceil)
}

fn quantile(figures: &[f64], share: f64, round: fn(f64) -> f64) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    let at = round(figures.len().saturating_sub(1) as f64 * share);
    figures.get(at as usize).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(own: &[f64], nginx: &[f64]) -> Row {
        let mut row = Row::new("small", "a request", "µs", &[]);
        for &figure in own {
            row.add(Peer::CredProxy, Ok(figure));
        }
        for &figure in nginx {
            row.add(Peer::Nginx, Ok(figure));
        }
        row
    }

    #[test]
    fn a_median_is_the_middle_of_what_there_is() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        let disturbed = row(&[8.0, 80.0, 8.0], &[10.0, 100.0, 10.0]);
        let bound = Bound::Times(0.8, Peer::Nginx);
        assert_eq!(disturbed.verdict(bound), Verdict::Met(1.0));
        let slower = row(&[12.0], &[10.0]).verdict(Bound::Times(1.0, Peer::Nginx));
        assert_eq!(slower.to_string(), "missed by 20 %");
    }

    #[test]
    fn nothing_is_judged_against_a_peer_that_is_missing() {
        let mut row = row(&[1.0], &[2.0, 2.0]);
        row.add(Peer::Nginx, Err("broke".to_owned()));
        row.add(Peer::Nginx, Ok(2.0));
        assert_eq!(row.median(Peer::Nginx), None);
        assert_eq!(
            row.verdict(Bound::Times(1.0, Peer::Nginx)),
            Verdict::Unknown
        );
        assert_eq!(row.verdict(Bound::AtMost(1.0)), Verdict::Met(1.0));
    }
}
