//! What is wrong with a manifest, in words that a person can act on.

use crate::limits;
use core::fmt;

/// One thing that is wrong: `file: json.path: what is wrong; what to write`. A single line.
///
/// It shows names and keys, never a value: a token that was pasted into the wrong place
/// must not end in a terminal's history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem(String);

impl Problem {
    /// A control character, of a file name say, is written as an escape, so that the line
    /// stays one. An empty path means the file as a whole.
    pub fn new(file: &str, path: &str, text: impl fmt::Display) -> Problem {
        let whole = match path.is_empty() {
            true => format!("{file}: {text}"),
            false => format!("{file}: {path}: {text}"),
        };
        let mut line = String::with_capacity(whole.len());
        for character in whole.chars() {
            match character.is_control() {
                true => line.extend(character.escape_default()),
                false => line.push(character),
            }
        }
        Problem(line)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All that is wrong with one file, in the order in which it was found.
pub(super) struct Report {
    file: String,
    problems: Vec<Problem>,
    /// Beyond the limit.
    more: usize,
}

impl Report {
    pub(super) fn new(file: impl fmt::Display) -> Report {
        Report {
            file: file.to_string(),
            problems: Vec::new(),
            more: 0,
        }
    }

    pub(super) fn add(&mut self, path: &str, text: impl fmt::Display) {
        if self.problems.len() == limits::PROBLEMS {
            self.more += 1;
            return;
        }
        self.problems.push(Problem::new(&self.file, path, text));
    }

    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        if self.more > 0 {
            let text = format_args!(
                "has more problems ({}) than are told here; mend these first",
                self.more
            );
            self.problems.push(Problem::new(&self.file, "", text));
        }
        self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_line() {
        let problem = Problem::new("a\nb", "c", "is\r\x1b[31m missing; write it");
        assert_eq!(
            problem.to_string(),
            "a\\nb: c: is\\r\\u{1b}[31m missing; write it"
        );
        assert_eq!(Problem::new("f", "", "x; y").to_string(), "f: x; y");
    }
}
