//! One object of a file: typed access to its keys that goes on after a problem.

use super::json::Json;
use super::nearest::did_you_mean;
use super::problem::Report;
use crate::limits;
use core::fmt;
use std::collections::{HashMap, HashSet};

/// Keys of other files, and of older ones, and what stands for them here.
const FOREIGN: [(&str, &str); 4] = [
    ("token_env", "\"token_ref\": \"NAME\""),
    ("token_file", "\"token_ref\": {\"file\": \"~/path\"}"),
    ("push_remotes", "nothing for it: git_gate.repos makes it"),
    ("roles", "\"role\""),
];

/// One object and the place it has in the file; what is wrong with it goes to the report,
/// and reading goes on.
pub(super) struct Keys<'j, 'r> {
    path: String,
    pairs: &'j [(String, Json)],
    report: &'r mut Report,
}

impl<'j, 'r> Keys<'j, 'r> {
    /// An object that has no key but those `known`.
    pub(super) fn known(
        path: String,
        json: &'j Json,
        known: &[&str],
        report: &'r mut Report,
    ) -> Option<Keys<'j, 'r>> {
        let mut keys = Keys::named(path, json, report)?;
        keys.refuse_others_but(None, known);
        Some(keys)
    }

    /// An object whose keys are names.
    pub(super) fn named(
        path: String,
        json: &'j Json,
        report: &'r mut Report,
    ) -> Option<Keys<'j, 'r>> {
        let Json::Object(pairs) = json else {
            let text = format_args!("is {}; write an object, {{ … }}", json.kind());
            report.add(&path, text);
            return None;
        };
        let mut keys = Keys {
            path,
            pairs,
            report,
        };
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for (key, _) in pairs {
            let count = counts.entry(key).or_default();
            *count += 1;
            if *count == 2 {
                keys.problem(key, "is there twice; keep one");
            }
        }
        Some(keys)
    }

    /// Reports the keys that are not `known`, except one that was told of already.
    pub(super) fn refuse_others_but(&mut self, told: Option<&str>, known: &[&str]) {
        let mut told: HashSet<&str> = told.into_iter().collect();
        for (key, _) in self.pairs {
            if known.contains(&key.as_str()) || !told.insert(key) {
                continue;
            }
            match FOREIGN.iter().find(|(foreign, _)| foreign == key) {
                Some((_, instead)) => {
                    self.problem(key, format_args!("is no key here; write {instead}"));
                }
                None => {
                    let meant = did_you_mean(key, known.iter().copied());
                    let known = known.join(", ");
                    let text = format_args!("is no key here; there are {known}{meant}");
                    self.problem(key, text);
                }
            }
        }
    }

    /// Where this object stands.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Where the value of a key stands.
    pub(super) fn path_of(&self, key: &str) -> String {
        let end = key.char_indices().nth(limits::SHOWN_KEY_CHARACTERS);
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-$[]".contains(c);
        let shown = match end {
            Some((end, _)) => format!("{:?}", format!("{}…", &key[..end])),
            None if !key.is_empty() && key.chars().all(plain) => key.to_owned(),
            None => format!("{key:?}"),
        };
        match self.path.is_empty() {
            true => shown,
            false => format!("{}.{shown}", self.path),
        }
    }

    /// Reports a problem with one key.
    pub(super) fn problem(&mut self, key: &str, text: impl fmt::Display) {
        let path = self.path_of(key);
        self.report.add(&path, text);
    }

    /// Reports a problem with the whole object.
    pub(super) fn own_problem(&mut self, text: impl fmt::Display) {
        self.report.add(&self.path, text);
    }

    /// The report, for what is read by other means.
    pub(super) fn report(&mut self) -> &mut Report {
        self.report
    }

    /// Whether the key is there, of whatever type.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Reports that a key is missing, if it is.
    pub(super) fn require(&mut self, key: &str, what_to_write: &str) {
        if !self.has(key) {
            self.problem(key, format_args!("is missing; {what_to_write}"));
        }
    }

    /// The first value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'j Json> {
        self.pairs
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// All keys and values, for an object whose keys are names; a name that is there twice
    /// is given once. At most `most`.
    pub(super) fn entries(&mut self, most: usize) -> Vec<(&'j str, &'j Json)> {
        if self.pairs.len() > most {
            let count = self.pairs.len();
            self.own_problem(format_args!("has {count} entries; write at most {most}"));
        }
        let mut entries: Vec<(&str, &Json)> = Vec::new();
        let mut seen = HashSet::new();
        for (key, value) in self.pairs.iter().take(most) {
            if seen.insert(key.as_str()) {
                entries.push((key, value));
            }
        }
        entries
    }

    /// An object that has no key but those `known`.
    pub(super) fn object(&mut self, key: &str, known: &[&str]) -> Option<Keys<'j, '_>> {
        let path = self.path_of(key);
        Keys::known(path, self.get(key)?, known, self.report)
    }

    /// An object whose keys are names.
    pub(super) fn names(&mut self, key: &str) -> Option<Keys<'j, '_>> {
        let path = self.path_of(key);
        Keys::named(path, self.get(key)?, self.report)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        let Json::Boolean(value) = value else {
            self.problem(
                key,
                format_args!("is {}; write true or false", value.kind()),
            );
            return None;
        };
        Some(*value)
    }

    /// A whole number of these bounds.
    pub(super) fn number(&mut self, key: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.get(key)?;
        let Json::Number(number) = value else {
            self.problem(key, format_args!("is {}; write a number", value.kind()));
            return None;
        };
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let text = format_args!("is out of bounds; write a whole number, {least} to {most}");
            self.problem(key, text);
        }
        number
    }

    /// A string that `check` finds nothing wrong with.
    pub(super) fn string<T, E: fmt::Display>(
        &mut self,
        key: &str,
        check: impl Fn(&'j str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let path = self.path_of(key);
        checked(&path, value, limits::WORD_OCTETS, check, self.report)
    }

    /// A string as in [`Keys::string`], longer than a word.
    pub(super) fn text<T, E: fmt::Display>(
        &mut self,
        key: &str,
        most_octets: usize,
        check: impl Fn(&'j str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let path = self.path_of(key);
        checked(&path, value, most_octets, check, self.report)
    }

    /// An array of different strings that `check` finds nothing wrong with.
    pub(super) fn strings<T: PartialEq, E: fmt::Display>(
        &mut self,
        key: &str,
        most: usize,
        check: impl Fn(&'j str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let items = self.array(key, most)?;
        let place = self.path_of(key);
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = format!("{place}[{index}]");
            match checked(&path, item, limits::WORD_OCTETS, &check, self.report) {
                Some(value) if values.contains(&value) => {
                    self.report.add(&path, "is there twice; keep one");
                }
                Some(value) => values.push(value),
                None => {}
            }
        }
        Some(values)
    }

    /// An array of anything. What is too much is told and left aside.
    pub(super) fn array(&mut self, key: &str, most: usize) -> Option<&'j [Json]> {
        let value = self.get(key)?;
        let Json::Array(items) = value else {
            self.problem(
                key,
                format_args!("is {}; write an array, [ … ]", value.kind()),
            );
            return None;
        };
        if items.len() > most {
            let count = items.len();
            self.problem(key, format_args!("has {count} items; write at most {most}"));
        }
        items.get(..most.min(items.len()))
    }
}

/// A string that `check` finds nothing wrong with.
pub(super) fn checked<'j, T, E: fmt::Display>(
    path: &str,
    value: &'j Json,
    most_octets: usize,
    check: impl Fn(&'j str) -> Result<T, E>,
    report: &mut Report,
) -> Option<T> {
    let Json::String(text) = value else {
        let text = format_args!("is {}; write a string, \"…\"", value.kind());
        report.add(path, text);
        return None;
    };
    if text.len() > most_octets {
        let text = format_args!("is too long; write at most {most_octets} octets");
        report.add(path, text);
        return None;
    }
    match check(text) {
        Ok(value) => Some(value),
        Err(error) => {
            report.add(path, error);
            None
        }
    }
}
