//! The scanner's report: which rule, in which line of the feed.

use core::fmt;
use std::io::{self, Read};

use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::gate::limits::REPORT_OCTETS;

/// What was found, in the order of the report. The report is read as it comes and not kept:
/// most of it is descriptions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// The ids of the rules that found something.
    rules: Vec<String>,
    /// Line of the feed and number of the rule.
    found: Vec<(u64, u32)>,
}

/// What of an entry matters. The secret is in none: it was redacted by the scanner.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "RuleID")]
    rule: String,
    #[serde(rename = "StartLine")]
    line: u64,
}

impl Report {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// It is none, or longer than is read.
    pub(super) fn read(input: impl Read) -> io::Result<Report> {
        let mut report = Report::default();
        let limited = io::BufReader::new(input.take(REPORT_OCTETS));
        let mut json = serde_json::Deserializer::from_reader(limited);
        (&mut report)
            .deserialize(&mut json)
            .map_err(io::Error::from)?;
        json.end().map_err(io::Error::from)?;
        Ok(report)
    }

    /// Whether nothing was found.
    pub(super) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Line of the feed and rule of each.
    pub(super) fn found(&self) -> impl Iterator<Item = (u64, &str)> {
        let rule = |number: u32| self.rules[number as usize].as_str();
        self.found
            .iter()
            .map(move |(line, number)| (*line, rule(*number)))
    }

    fn add(&mut self, entry: Entry) {
        let known = self.rules.iter().position(|rule| *rule == entry.rule);
        let number = known.unwrap_or_else(|| {
            self.rules.push(entry.rule);
            self.rules.len() - 1
        });
        self.found
            .push((entry.line, u32::try_from(number).unwrap_or(0)));
    }
}

impl<'de> DeserializeSeed<'de> for &mut Report {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut Report {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of findings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element()? {
            self.add(entry);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_lines_and_rules() {
        let text = r#"[
 {"RuleID": "a", "Description": "x", "StartLine": 7, "EndLine": 7, "Tags": [], "Entropy": 3.1},
 {"RuleID": "b", "StartLine": 9}, {"RuleID": "a", "StartLine": 3}
]
"#;
        let report = Report::read(text.as_bytes()).expect("a report");
        let found: Vec<(u64, &str)> = report.found().collect();
        assert_eq!(found, [(7, "a"), (9, "b"), (3, "a")]);
        assert!(Report::read(&b"[]\n"[..]).expect("a report").is_empty());
    }

    #[test]
    fn what_is_no_report_is_an_error() {
        for text in [
            "",
            "null",
            "{}",
            "[",
            "[{}]",
            r#"[{"RuleID": "a"}]"#,
            r#"[{"RuleID": "a", "StartLine": -1}]"#,
            "[] []",
            "usage: scanner",
        ] {
            Report::read(text.as_bytes()).expect_err(text);
        }
        // A list that never ends is read up to the limit.
        let endless = Read::chain(&b"["[..], io::repeat(b' '));
        Report::read(endless).expect_err("no end");
    }
}
