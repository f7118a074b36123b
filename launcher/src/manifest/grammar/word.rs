//! Words: names, methods, fields, references.

use crate::limits;

/// The name of a bottle, an agent or a repository.
pub(in crate::manifest) fn name(text: &str) -> Result<String, String> {
    let allowed = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.bytes().all(allowed) {
        return Err("is no name; write small letters, digits and `-`, a letter first".to_owned());
    }
    match text.len() <= limits::NAME_OCTETS {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "is too long for a name; write at most {} letters",
            limits::NAME_OCTETS
        )),
    }
}

/// A name that every shell and every program takes for a variable's.
pub(in crate::manifest) fn is_variable_name(text: &str) -> bool {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'_';
    text.bytes().all(allowed) && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// The name of a host variable that holds a token, and not the token itself.
pub(in crate::manifest) fn variable(text: &str) -> Result<String, &'static str> {
    /// How the services' own tokens begin, as far as they could be a variable's name.
    const TOKENS: [&str; 7] = [
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "npm_",
    ];
    let is_hex = |octet: u8| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet);
    let is_token = TOKENS
        .iter()
        .any(|begin| text.starts_with(begin) && text.len() > 30)
        || (text.len() >= 40 && text.bytes().all(is_hex))
        || text.starts_with("sk-");
    if is_token {
        return Err("looks like a token itself; put it into a variable and write that one's name");
    }
    match is_variable_name(text) {
        true => Ok(text.to_owned()),
        false => Err("is no name of a variable; write it like \"GH_PAT\""),
    }
}

/// A file of the host: absolute, or below the home.
pub(in crate::manifest) fn path_on_host(text: &str) -> Result<String, &'static str> {
    if text.chars().any(char::is_control) {
        return Err("has a control character; write the path without it");
    }
    // Relative to what, would be a question.
    let is_below = |text: &str| text.len() > 1 && !text.ends_with('/');
    match is_below(text) && (text.starts_with('/') || text.starts_with("~/")) {
        true => Ok(text.to_owned()),
        false => Err("is no absolute path of a file; write it like \"~/.secrets/token\""),
    }
}

/// A route's path, as the engine takes it: its own decoded copy.
pub(in crate::manifest) fn route_path(text: &str) -> Result<String, &'static str> {
    let allowed =
        |octet: u8| octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@/".contains(&octet);
    if !text.starts_with('/') || !text.ends_with('/') {
        return Err("does not begin and end with `/`; write it like \"/gh-api/\"");
    }
    if !text.bytes().all(allowed) {
        return Err(
            "has other characters than letters, digits and -._~!$&'()*+,=:@ between its slashes; take them out",
        );
    }
    let is_nothing = |name: &str| name.trim_end_matches('.').is_empty();
    if text[1..].split_terminator('/').any(is_nothing) {
        return Err("has a segment that is empty or only dots; take it out");
    }
    Ok(text.to_owned())
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    let tchar = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
    !text.is_empty() && text.bytes().all(tchar)
}

/// An authentication scheme (RFC 9110 §11.1).
pub(in crate::manifest) fn scheme(text: &str) -> Result<String, &'static str> {
    match is_token(text) {
        true => Ok(text.to_owned()),
        false => Err("is no single word; write the one before the token, like \"Bearer\""),
    }
}

/// The field that carries the credential, in lower case.
pub(in crate::manifest) fn credential_field(text: &str) -> Result<String, &'static str> {
    /// The engine makes them itself.
    const OURS: [&str; 15] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "max-forwards",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    ];
    if !is_token(text) {
        return Err("is no field name; write it like \"x-api-key\"");
    }
    let name = text.to_ascii_lowercase();
    match OURS.contains(&name.replace('_', "-").as_str()) {
        true => Err("is a field that the proxy makes itself; write the one the service reads"),
        false => Ok(name),
    }
}

/// The user of a Basic credential (RFC 7617 §2). It may be empty: Azure DevOps wants that.
pub(in crate::manifest) fn basic_user(text: &str) -> Result<String, &'static str> {
    match text
        .bytes()
        .all(|octet| octet.is_ascii_graphic() && octet != b':')
    {
        true => Ok(text.to_owned()),
        false => Err("is not visible ASCII without `:`; write it like \"x-access-token\""),
    }
}

/// A method that may pass.
pub(in crate::manifest) fn method(text: &str) -> Result<String, &'static str> {
    if !is_token(text) || text.bytes().any(|octet| octet.is_ascii_lowercase()) {
        return Err("is no method in capital letters; write it like \"GET\"");
    }
    match text {
        "TRACE" => Err("would show the credential; take TRACE out"),
        "CONNECT" => Err("is for forward proxies; take CONNECT out"),
        _ => Ok(text.to_owned()),
    }
}

/// A query name, as it is once decoded.
pub(in crate::manifest) fn query_name(text: &str) -> Result<String, &'static str> {
    let allowed = |octet: u8| octet.is_ascii_graphic() && !b"%&;=+#[]".contains(&octet);
    match !text.is_empty() && text.bytes().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err("is no name without %&;=+#[]; write it like \"access_token\""),
    }
}

/// A protocol name of an `Upgrade` field, in lower case (RFC 9110 §7.8).
pub(in crate::manifest) fn protocol(text: &str) -> Result<String, &'static str> {
    let protocol = text.to_ascii_lowercase();
    if !is_token(text) {
        Err("is no protocol name; write it like \"websocket\"")
    } else if protocol == "h2c" || protocol == "http" {
        Err("is HTTP in another version, whose requests would pass unseen; take it out")
    } else {
        Ok(protocol)
    }
}

/// The value of an `Accept-Encoding` field (RFC 9110 §12.5.3).
pub(in crate::manifest) fn accept_encoding(text: &str) -> Result<String, &'static str> {
    let codings_only = text
        .bytes()
        .all(|octet| octet.is_ascii_graphic() || octet == b' ');
    match codings_only && !text.trim().is_empty() {
        true => Ok(text.trim().to_owned()),
        false => Err("is no list of codings; write it like \"identity\" or \"gzip, br\""),
    }
}

/// A reference of an image, as far as Docker does not say the rest better.
pub(in crate::manifest) fn image(text: &str) -> Result<String, &'static str> {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"-._/:@".contains(&octet);
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    match begins && text.len() <= 512 && text.bytes().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err("is no reference of an image; write it like \"debian:13\""),
    }
}

/// A user's name or address for `.gitconfig`.
pub(in crate::manifest) fn git_identity(text: &str) -> Result<String, &'static str> {
    let quotes = |c: char| c.is_control() || "\"'`\\<>".contains(c);
    match !text.trim().is_empty() && !text.contains(quotes) {
        true => Ok(text.to_owned()),
        false => Err("is empty, or has a quote, `\\`, `<`, `>` or line break; write it without"),
    }
}

/// A service's public host key, as `ssh-keyscan` prints it behind the host.
pub(in crate::manifest) fn host_key(text: &str) -> Result<String, &'static str> {
    /// The kind, and how its base64 begins: with the kind again.
    const KINDS: [(&str, &str); 5] = [
        ("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5"),
        ("ecdsa-sha2-nistp256", "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY"),
        ("ecdsa-sha2-nistp384", "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQ"),
        ("ecdsa-sha2-nistp521", "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjE"),
        ("ssh-rsa", "AAAAB3NzaC1yc2E"),
    ];
    let example = "is no host key; write kind and key as ssh-keyscan prints them behind the host, like \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5…\"";
    let (kind, key) = text.split_once(' ').ok_or(example)?;
    let begin = KINDS.iter().find(|(known, _)| *known == kind);
    let rest = begin
        .and_then(|(_, begin)| key.strip_prefix(begin))
        .ok_or(example)?;
    let digits = rest.trim_end_matches('=');
    let is_digit = |octet: u8| octet.is_ascii_alphanumeric() || b"+/".contains(&octet);
    let padding = rest.len() - digits.len();
    match !digits.is_empty() && padding <= 2 && digits.bytes().all(is_digit) {
        true => Ok(text.to_owned()),
        false => Err(example),
    }
}

/// A pattern of refs.
pub(in crate::manifest) fn ref_pattern(text: &str) -> Result<String, &'static str> {
    let cannot_be = |octet: u8| !octet.is_ascii_graphic() || b"~^:?[\\\"'".contains(&octet);
    let is_odd = |segment: &str| segment.is_empty() || segment.starts_with('.');
    let rest = text.strip_prefix("refs/").filter(|rest| {
        !rest.bytes().any(cannot_be) && !rest.contains("..") && !rest.split('/').any(is_odd)
    });
    match rest {
        Some(_) => Ok(text.to_owned()),
        None => Err("is no pattern of refs; write it like \"refs/heads/agent/*\""),
    }
}

/// Text that people are shown before they agree to it: what hides or reorders it is refused.
pub(in crate::manifest) fn prompt(text: &str) -> Result<String, &'static str> {
    match text
        .chars()
        .any(|c| !matches!(c, '\n' | '\t') && deceives(c))
    {
        true => Err("has a control or direction character, which hides text; take it out"),
        false => Ok(text.to_owned()),
    }
}

/// A line that people are shown.
pub(in crate::manifest) fn shown_text(text: &str) -> Result<String, &'static str> {
    match text.chars().any(deceives) {
        true => Err("has a control or direction character; write one plain line"),
        false => Ok(text.to_owned()),
    }
}

/// Control characters, overrides of direction (CVE-2021-42574), invisible tags and selectors:
/// the last two write any text so that a model reads it and nobody sees it.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_hide_text_is_refused() {
        assert!(prompt("a\n\tb – ‘c’ 🍾").is_ok());
        for text in [
            "\r",
            "\u{1b}[2J",
            "\u{9b}",
            "\u{202e}x",
            "\u{2066}",
            "\u{e0041}",
            "\0",
        ] {
            assert!(prompt(text).is_err(), "{text:?}");
            assert!(shown_text(text).is_err(), "{text:?}");
        }
        assert!(shown_text("a\nb").is_err());
    }

    #[test]
    fn a_token_is_no_name() {
        for text in ["GH_PAT", "_x", "a", "npm_token", "deadbeef", "A1"] {
            assert!(variable(text).is_ok(), "{text}");
        }
        let github = format!("ghp_{}", "a1B2".repeat(9));
        let gitea = "0123456789abcdef".repeat(3);
        for text in [
            "",
            "1A",
            "A-B",
            "A B",
            "$A",
            "Ä",
            "sk-ant-x",
            &github,
            &gitea[..40],
        ] {
            assert!(variable(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_host_key_names_its_kind_twice() {
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
        assert!(host_key(&format!("ssh-ed25519 {key}")).is_ok());
        for text in [
            String::new(),
            key.to_owned(),
            format!("ssh-rsa {key}"),
            format!("git.example.org ssh-ed25519 {key}"),
            format!("ssh-ed25519 {key} comment"),
            format!("ssh-ed25519 {key}\n"),
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5".to_owned(),
            "ssh-ed25519 AAAA…".to_owned(),
        ] {
            assert!(host_key(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_ref_pattern_is_below_refs() {
        for text in ["refs/heads/*", "refs/tags/v*", "refs/heads/agent/**"] {
            assert!(ref_pattern(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "*",
            "heads/*",
            "refs/",
            "refs//a",
            "refs/a..b",
            "refs/a b",
            "refs/.a",
            "refs/a:b",
        ] {
            assert!(ref_pattern(text).is_err(), "{text}");
        }
    }
}
