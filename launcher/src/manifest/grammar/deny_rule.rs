//! A rule of a `deny` list, `METHOD /segment/*/…/**`, as the engine takes it.

use crate::limits;

/// The rule as it was written.
pub(in crate::manifest) fn deny_rule(text: &str) -> Result<String, String> {
    match check(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(why) => Err(format!("{why}; write it like \"DELETE /repos/*/*\"")),
    }
}

fn check(text: &str) -> Result<(), String> {
    let (method, path) = text
        .split_once(' ')
        .ok_or("is not a method, a space and a path")?;
    let capital = |octet: u8| octet.is_ascii_uppercase() || octet.is_ascii_digit() || octet == b'-';
    if method != "*" && (method.is_empty() || !method.bytes().all(capital)) {
        return Err("has a method that is neither `*` nor a word in capital letters".to_owned());
    }
    let path = path
        .strip_prefix('/')
        .ok_or("has a path that does not begin with `/`")?;
    if path == "/" {
        return Err(SEGMENT.to_owned());
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    let path = match path.strip_suffix("**") {
        Some("") => "",
        Some(before) => before.strip_suffix('/').ok_or(WILDCARD)?,
        None => path,
    };
    let segments: Vec<&str> = path.split('/').filter(|_| !path.is_empty()).collect();
    for segment in &segments {
        check_segment(segment)?;
    }
    if segments.len() > limits::RULE_SEGMENTS {
        let most = limits::RULE_SEGMENTS;
        return Err(format!("has more than {most} segments"));
    }
    Ok(())
}

const SEGMENT: &str =
    "has an empty or dot segment, or one with `%`, `\\`, `;`, `?` or `#` (names are decoded)";
const WILDCARD: &str = "has a `*` that is no whole segment, or a `**` that is not the last";

fn check_segment(segment: &str) -> Result<(), &'static str> {
    if segment == "*" {
        return Ok(());
    }
    if segment.contains('*') {
        return Err(WILDCARD);
    }
    let cannot_be = |octet: u8| !octet.is_ascii_graphic() || b"%\\;?#".contains(&octet);
    let is_nothing = segment.trim_end_matches(['.', ' ']).is_empty();
    match is_nothing || segment.bytes().any(cannot_be) {
        true => Err(SEGMENT),
        false => Ok(()),
    }
}
