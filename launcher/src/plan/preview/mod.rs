//! A plan as people and programs read it. No value of a variable is in it, nor a placeholder.

mod json;
mod people;

use super::Plan;

/// A plan to be shown.
pub struct Preview<'p> {
    /// The plan.
    pub plan: &'p Plan,
    /// What carries it out, such as `docker`.
    pub backend: &'p str,
    /// Why it is that and not the usual one.
    pub remark: Option<&'p str>,
    /// What scans pushes, with its version; or why nothing does, in a sentence that a start is
    /// refused with. None: there is no gate.
    pub gate_scanner: Option<Result<&'p str, &'p str>>,
}

impl Preview<'_> {
    /// For people: lines of text, each ended by a line feed.
    pub fn people(&self) -> String {
        people::text(self)
    }

    /// For programs: JSON with the keys of docs/PLAN.md, and a line feed.
    pub fn json(&self) -> String {
        json::text(self)
    }
}

#[cfg(test)]
mod tests;
