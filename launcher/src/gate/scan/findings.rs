//! What was found, each once.

use std::collections::BTreeSet;

use super::Found;
use super::ledger::Source;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) source: Source,
    /// The id of the scanner's rule.
    pub(super) rule: String,
}

/// All of them, in the order of the push. What is in the overlap of two pieces, or is text in
/// more than one way, was reported more than once.
pub(super) fn findings(found: &Found) -> Vec<Finding> {
    let mut findings = BTreeSet::new();
    for (line, rule) in found.report.found() {
        // Nothing is found in the preface; if it were, it would have to be told of too.
        let source = found.ledger.source(line).unwrap_or(Source::Ref(0));
        findings.insert((source, rule));
    }
    let finding = |(source, rule): (Source, &str)| Finding {
        source,
        rule: rule.to_owned(),
    };
    findings.into_iter().map(finding).collect()
}
