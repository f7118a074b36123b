//! The table, and the files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::launch::Programs;
use super::peer::Peer;
use super::plot;
use super::row::{Row, Verdict};
use super::usage::{Neighbours, machine};

/// All rows so far, and where and when they were measured.
pub struct Report {
    rows: Vec<Row>,
    machine: String,
    versions: Vec<String>,
    date: String,
    neighbours: Neighbours,
}

impl Report {
    /// Without rows; says what is measured against whom.
    pub fn new(programs: &Programs) -> Report {
        let now = humantime::format_rfc3339_seconds(SystemTime::now());
        let versions = Peer::ALL
            .into_iter()
            .filter_map(|peer| programs.version(peer));
        let report = Report {
            rows: Vec::new(),
            machine: machine(),
            versions: versions.collect(),
            date: now.to_string(),
            neighbours: Neighbours::watch(),
        };
        say(&format!("peers: {}", report.title()));
        report
    }

    fn title(&self) -> String {
        let versions = self.versions.join(", ");
        let Report { date, machine, .. } = self;
        format!("{date}; {machine}; {versions}")
    }

    /// Says that a part is being measured.
    pub fn begin(&self, part: &str) {
        say(&format!("\n== {part}"));
    }

    /// Takes the rows of a part and prints them.
    pub fn add(&mut self, rows: Vec<Row>) {
        say(&table(&rows));
        self.rows.extend(rows);
    }

    /// Writes `peers.json`, `peers.svg` and `growth.svg` for the parts that were measured.
    ///
    /// # Errors
    /// As the file system says.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let (growth, rows): (Vec<&Row>, Vec<&Row>) =
            self.rows.iter().partition(|row| row.part == "growth");
        let mut files = vec![("peers.json", format!("{:#}\n", self.json()))];
        if !rows.is_empty() {
            files.push(("peers.svg", plot::bars(&self.title(), &rows)));
        }
        if !growth.is_empty() {
            files.push(("growth.svg", plot::lines(&self.title(), &growth)));
        }
        let cores = self.neighbours.cores();
        say(&format!("others kept {cores:.2} cores busy meanwhile"));
        for (name, text) in files {
            let path = folder.join(name);
            fs::write(&path, text)?;
            say(&format!("written: {}", path.display()));
        }
        Ok(())
    }

    fn json(&self) -> Value {
        json!({
            "date": self.date,
            "machine": self.machine,
            "versions": self.versions,
            "cores_busy_by_others": self.neighbours.cores(),
            "rows": self.rows.iter().map(row_json).collect::<Vec<_>>(),
        })
    }
}

fn row_json(row: &Row) -> Value {
    let figures = |peer: Peer| {
        let (least, most) = row.spread(peer)?;
        let figures = json!({
            "median": row.median(peer),
            "least": least,
            "most": most,
            "rounds": row.samples.get(&peer),
        });
        Some((peer.name(), figures))
    };
    let peers: BTreeMap<_, _> = Peer::ALL.into_iter().filter_map(figures).collect();
    let absent: BTreeMap<_, _> = row
        .absent
        .iter()
        .map(|(peer, why)| (peer.name(), why))
        .collect();
    let goal = row.goal.iter().map(|&bound| {
        let verdict = row.verdict(bound);
        let times = match verdict {
            Verdict::Met(times) | Verdict::Missed(times) => Some(times),
            Verdict::Unknown => None,
        };
        json!({
            "bound": bound.to_string(),
            "verdict": verdict.to_string(),
            "figure_over_bound": times,
        })
    });
    json!({
        "part": row.part,
        "work": row.work,
        "unit": row.unit,
        "peers": peers,
        "absent": absent,
        "goal": goal.collect::<Vec<_>>(),
    })
}

/// The rows as a table of Markdown: medians, with the least and the most of all rounds.
fn table(rows: &[Row]) -> String {
    let shown = |peer: &Peer| rows.iter().any(|row| row.samples.contains_key(peer));
    let peers: Vec<Peer> = Peer::ALL.into_iter().filter(shown).collect();
    let mut lines = vec![vec!["work".to_owned()], vec!["---".to_owned()]];
    lines[0].extend(peers.iter().map(|peer| peer.name().to_owned()));
    lines[0].push("goal for cred-proxy".to_owned());
    lines[1].resize(peers.len() + 2, "---".to_owned());
    for row in rows {
        let mut line = vec![format!("{}, {}", row.work, row.unit)];
        line.extend(peers.iter().map(|&peer| cell(row, peer)));
        line.push(goal(row));
        lines.push(line);
    }
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "| {} |", line.join(" | "));
    }
    // Each reason once, with the rows it concerns left to the table's empty cells.
    let mut reasons: Vec<String> = rows
        .iter()
        .flat_map(|row| &row.absent)
        .map(|(peer, why)| format!("missing: {}: {why}\n", peer.name()))
        .collect();
    reasons.sort();
    reasons.dedup();
    text + &reasons.concat()
}

fn cell(row: &Row, peer: Peer) -> String {
    if row.absent.contains_key(&peer) {
        return "missing".to_owned();
    }
    let (Some(median), Some((least, most))) = (row.median(peer), row.spread(peer)) else {
        return "–".to_owned();
    };
    if row.samples[&peer].len() == 1 {
        return figure(median);
    }
    format!("{} ({}–{})", figure(median), figure(least), figure(most))
}

fn goal(row: &Row) -> String {
    let bounds = row
        .goal
        .iter()
        .map(|&bound| format!("{bound}: {}", row.verdict(bound)));
    bounds.collect::<Vec<_>>().join("; ")
}

/// Three digits that count.
pub fn figure(value: f64) -> String {
    let decimals = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

/// A line on standard output, where `cargo bench` prints.
pub fn say(line: &str) {
    // Who closes the pipe has read enough.
    let _ = writeln!(io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::row::Bound;

    #[test]
    fn a_missing_peer_is_named_and_its_goal_is_not_judged() {
        let goal = &[Bound::Times(0.8, Peer::Nginx), Bound::AtMost(10.0)];
        let mut row = Row::new("small", "a request", "µs", goal);
        row.add(Peer::CredProxy, Ok(9.0));
        row.add(Peer::CredProxy, Ok(11.0));
        row.add(Peer::CredProxy, Ok(12.0));
        row.add(Peer::Nginx, Err("nginx is not installed".to_owned()));
        let text = table(&[row]);
        assert_eq!(
            text,
            "| work | cred-proxy | goal for cred-proxy |\n\
             | --- | --- | --- |\n\
             | a request, µs | 11.0 (9.00–12.0) | ≤ 0.80 × nginx: not judged; ≤ 10: missed by 10 % |\n\
             missing: nginx: nginx is not installed\n"
        );
    }
}
