//! A rule of a route's `deny` list: `METHOD /segment/*/…/**`.
//!
//! It matches if it would under any reading of the path that some service has; which
//! those are stands in `path_pattern.rs`. One is worth knowing when a rule is written: a
//! name at the end of a rule matches at the end of a path with a format too, `/hooks`
//! as well as `/hooks.json`, for Rails and Grape answer both alike.

use super::decoded_path::{DecodedPath, without_tail};
use super::path_pattern::{PathPattern, Piece, Tail};
use crate::limits;
use core::fmt;

/// One rule, and its text as the operator wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DenyRule {
    text: String,
    /// None for `*`.
    method: Option<String>,
    path: PathPattern,
}

/// Why a text is no rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DenyRuleError {
    /// Not two words.
    Form,
    /// The first word is neither `*` nor made of capital letters, digits and `-`.
    Method,
    /// The second word does not begin with `/`.
    Path,
    /// A segment is empty, `.`, `..`, or has a character that cannot be in a decoded name.
    Segment,
    /// `**` is not the last segment, or `*` is part of a name.
    Wildcard,
    /// More segments than [`limits::RULE_SEGMENTS_CEILING`].
    TooLong,
}

impl fmt::Display for DenyRuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DenyRuleError::Form => "it is not a method, a space and a path",
            DenyRuleError::Method => "the method is neither `*` nor a word in capital letters",
            DenyRuleError::Path => "the path does not begin with `/`",
            DenyRuleError::Segment => {
                "a segment is empty or a dot segment, or has one of `%`, `\\`, `;`, `?`, `#` (write names decoded)"
            }
            DenyRuleError::Wildcard => "`*` must be a whole segment, and `**` the last one",
            DenyRuleError::TooLong => {
                return write!(f, "it has more than {} segments", limits::RULE_SEGMENTS_CEILING);
            }
        })
    }
}

impl DenyRule {
    /// Reads `METHOD /segment/*/…`.
    pub fn parse(text: &str) -> Result<DenyRule, DenyRuleError> {
        let (method, path) = text.split_once(' ').ok_or(DenyRuleError::Form)?;
        let capital =
            |octet: u8| octet.is_ascii_uppercase() || octet.is_ascii_digit() || octet == b'-';
        if method != "*" && (method.is_empty() || !method.bytes().all(capital)) {
            return Err(DenyRuleError::Method);
        }
        let path = path.strip_prefix('/').ok_or(DenyRuleError::Path)?;
        let path = match path.strip_suffix('/') {
            Some("") => return Err(DenyRuleError::Segment),
            Some(path) => path,
            None => path,
        };
        let (path, tail) = match path.strip_suffix("**") {
            Some("") => ("", Tail::Rest),
            Some(before) => (
                before.strip_suffix('/').ok_or(DenyRuleError::Wildcard)?,
                Tail::Rest,
            ),
            None => (path, Tail::End),
        };
        let names = path.split('/').filter(|_| !path.is_empty());
        let segments = names.map(parse_segment).collect::<Result<Vec<_>, _>>()?;
        if segments.len() > limits::RULE_SEGMENTS_CEILING {
            return Err(DenyRuleError::TooLong);
        }
        let method = (method != "*").then(|| method.to_owned());
        Ok(DenyRule {
            text: text.to_owned(),
            method,
            path: PathPattern::new(segments, tail),
        })
    }

    /// The rule as it was written, for the text of the refusal.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the rule is about this method, in any case.
    pub(super) fn is_about(&self, method: &[u8]) -> bool {
        let ours = self.method.as_ref();
        ours.is_none_or(|ours| method.eq_ignore_ascii_case(ours.as_bytes()))
    }

    /// Whether the rule is about this suffix. It costs more than [`DenyRule::is_about`].
    pub(super) fn matches_path(&self, suffix: &DecodedPath<'_>) -> bool {
        self.path.matches(suffix)
    }
}

fn parse_segment(segment: &str) -> Result<Piece, DenyRuleError> {
    if segment == "*" {
        return Ok(Piece::One);
    }
    if segment.contains('*') {
        return Err(DenyRuleError::Wildcard);
    }
    let cannot_be = |octet: u8| !octet.is_ascii_graphic() || b"%\\;?#".contains(&octet);
    let is_empty = without_tail(segment.as_bytes()).is_empty();
    if is_empty || segment.bytes().any(cannot_be) {
        return Err(DenyRuleError::Segment);
    }
    Ok(Piece::name(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(rule: &str, method: &str, suffix: &str) -> bool {
        let rule = DenyRule::parse(rule).expect(rule);
        let suffix = DecodedPath::of(suffix.as_bytes()).expect("no dot segment");
        rule.is_about(method.as_bytes()) && rule.matches_path(&suffix)
    }

    #[test]
    fn a_rule_matches_what_it_names() {
        for (rule, method, suffix) in [
            ("DELETE /repos/*/*", "DELETE", "repos/o/r"),
            ("DELETE /repos/*/*", "delete", "REPOS/o/r"),
            ("DELETE /repos/*/*", "DELETE", "repos//o///r/"),
            ("DELETE /repos/*/*", "DELETE", "/repos/o/r"),
            ("DELETE /repos/*/*", "DELETE", "repos/o/r;x=y"),
            ("DELETE /repos/*/*", "DELETE", "r%65pos/o/r"),
            ("DELETE /repos/*/*", "DELETE", "r%2565pos/o/r"),
            ("DELETE /repos/*/*", "DELETE", "repos%2Fo%2Fr"),
            ("DELETE /repos/*/*", "DELETE", "repos;x/o;y/r;z"),
            ("DELETE /repos/*/*/", "DELETE", "repos/o/r"),
            ("* /admin/**", "PATCH", "admin/a/b/c"),
            ("* /admin/**", "GET", "admin/a"),
            ("* /admin/**", "GET", "admin"),
            ("* /**", "GET", ""),
            ("* /**", "GET", "any/thing"),
            ("GET /", "GET", ""),
            ("PUT /a/*/**", "PUT", "a/b"),
            ("PUT /a/*/**", "PUT", "a/b/c/d"),
            ("POST /a/*/hooks", "POST", "a/1/hooks.json"),
            ("POST /a/*/hooks", "POST", "a/1/HOOKS%2Exml/"),
            ("POST /a/*/hooks", "POST", "a/1/hooks.json;x%2Fy"),
            ("* /admin/**", "GET", "admin.json"),
            ("GET /a.json", "GET", "a.json"),
            ("DELETE /a/*", "DELETE", "a/1.json"),
            ("DELETE /a/b", "DELETE", "a/b%20"),
            ("DELETE /a/b", "DELETE", "a/b."),
            ("DELETE /a/b", "DELETE", "a%20/b%20.%2520"),
            ("DELETE /a/b.", "DELETE", "a/b"),
            ("DELETE /a/b", "DELETE", "a/b%20;x"),
            ("DELETE /a/b", "DELETE", "a/b/%20"),
            ("DELETE /a/b", "DELETE", "a/b%3Fx"),
            ("DELETE /a/b", "DELETE", "a/b%253Fx=/y/z"),
            ("DELETE /a/b", "DELETE", "a/b%23x%2Fy"),
            ("DELETE /a/b", "DELETE", "a/b/%23x"),
            ("DELETE /a/*/c", "DELETE", "a/b%23/c"),
        ] {
            assert!(matches(rule, method, suffix), "{rule} on {method} {suffix}");
        }
    }

    #[test]
    fn a_rule_matches_nothing_else() {
        for (rule, method, suffix) in [
            ("DELETE /repos/*/*", "GET", "repos/o/r"),
            ("DELETE /repos/*/*", "DELETE", "repos/o"),
            ("DELETE /repos/*/*", "DELETE", "repos/o/r/issues"),
            ("DELETE /repos/*/*", "DELETE", "x/repos/o/r"),
            ("DELETE /repos/*/*", "DELETE", "reposx/o/r"),
            ("* /admin/**", "GET", "administrator"),
            ("PUT /a/*/**", "PUT", "a"),
            ("GET /", "GET", "a"),
            ("DELETE /repos/*", "DELETE", "repos/"),
            ("POST /a/*/hooks", "POST", "a/1/hooks.json/2"),
            ("POST /a/*/hooks", "POST", "a/1/hooksjson"),
            ("POST /a/*/hooks", "POST", "a/1/.hooks"),
            ("* /admin/**", "GET", "admin.json/x"),
            ("DELETE /a/b", "DELETE", "a.json/b"),
            ("DELETE /a/b.json", "DELETE", "a/b"),
            ("DELETE /a/b", "DELETE", "a/b/C%23"),
            ("DELETE /a/b", "DELETE", "a/b%20c"),
        ] {
            assert!(
                !matches(rule, method, suffix),
                "{rule} on {method} {suffix}"
            );
        }
    }

    #[test]
    fn an_encoded_slash_is_read_both_ways() {
        for (rule, suffix) in [
            ("DELETE /projects/*", "projects/group%2Fproject"),
            ("DELETE /projects/*", "projects/group%252Fproject"),
            ("DELETE /projects/*", "projects/group%2Fsub%2Fproject"),
            ("DELETE /projects/*/*", "projects/group%2Fproject"),
            (
                "DELETE /projects/*/issues",
                "projects/group%2Fproject/issues",
            ),
            ("DELETE /projects/*/hooks/*", "projects/a%2Fb/hooks/1%2F2"),
            ("DELETE /projects/*/b/*", "projects/a%2Fb%252Fc"),
            ("DELETE /items/*", "items/;1"),
            ("DELETE /items/*", "items/%3B1"),
            ("DELETE /items/x", "items/;1/x"),
            ("DELETE /items/x", "items/x;y%2Fz"),
            ("DELETE /items/x", "items/x;y%2Fz%5Cz/"),
            ("DELETE /items/x/z", "items/x;y%2Fz"),
            ("DELETE /items/x/a", "items/x;y%2Fz/a"),
        ] {
            assert!(matches(rule, "DELETE", suffix), "{rule} on {suffix}");
        }
        for (rule, suffix) in [
            ("DELETE /projects/*", "projects/group/project"),
            ("DELETE /projects/*", "projects/a%2Fb/c"),
            ("DELETE /projects/x", "projects/x%2Fy"),
        ] {
            assert!(!matches(rule, "DELETE", suffix), "{rule} on {suffix}");
        }
    }

    #[test]
    fn a_text_that_is_no_rule_says_why() {
        use DenyRuleError as E;
        let at_bound = format!("* {}", "/*".repeat(limits::RULE_SEGMENTS_CEILING));
        assert!(DenyRule::parse(&at_bound).is_ok());
        let past_bound = format!("{at_bound}/*");
        for (text, error) in [
            ("", E::Form),
            ("DELETE", E::Form),
            ("/repos", E::Form),
            ("delete /repos", E::Method),
            (" /repos", E::Method),
            ("G*T /repos", E::Method),
            ("GET repos", E::Path),
            ("GET  /repos", E::Path),
            ("GET //", E::Segment),
            ("GET /a//b", E::Segment),
            ("GET /a/../b", E::Segment),
            ("GET /.../b", E::Segment),
            ("GET /a%2Fb", E::Segment),
            ("GET /a b", E::Segment),
            ("GET /a;b", E::Segment),
            ("GET /ä", E::Segment),
            ("GET /**/a", E::Wildcard),
            ("GET /a**", E::Wildcard),
            ("GET /a*/b", E::Wildcard),
            (past_bound.as_str(), E::TooLong),
        ] {
            assert_eq!(DenyRule::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_path_made_to_be_slow_costs_its_length() {
        let rule = format!("* {}/end", "/*".repeat(limits::RULE_SEGMENTS_CEILING - 1));
        let suffix = format!("a{}", "%2Fa".repeat(4000));
        assert!(!matches(&rule, "GET", &suffix));
    }
}
