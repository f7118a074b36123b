//! The field lines of a head, whichever message it begins.

use crate::naive::Field;
use engine::message::FieldSection;

/// Asserts that the engine sees these fields, and that its lines are all that stands between
/// the start line and the end of `head`.
pub(crate) fn same(section: &FieldSection, fields: &[Field<'_>], head: &[u8]) {
    let seen: Vec<_> = section
        .lines()
        .map(|line| (line.name, line.value))
        .collect();
    assert_eq!(seen, fields);
    let raw: Vec<u8> = section.lines().flat_map(|line| line.raw).copied().collect();
    let lines = &head[..head.len() - b"\r\n".len()];
    assert!(lines.ends_with(&raw));
    assert!(lines[..lines.len() - raw.len()].ends_with(b"\r\n"));
}
