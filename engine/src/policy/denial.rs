//! Why a request does not leave, and the sentence that tells the agent.

use super::decoded_path::PathRefused;
use core::fmt;

/// Why a request does not leave. Its text goes to the agent: nothing in it comes from
/// the request, all names in it are the operator's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Denial {
    /// 400: the path can be read as another.
    Path(PathRefused),
    /// 404: no route is a prefix of the path.
    NoRoute,
    /// 421: `Host` is none of the names that the operator allows.
    Host,
    /// 501: this face makes no tunnels.
    Connect,
    /// 405: it would reflect the credential.
    Trace {
        /// The value of `Allow`.
        allow: String,
    },
    /// 403: git push goes through the gate.
    Push {
        /// The gate's remote for this repository, where the route names one.
        remote: Option<String>,
    },
    /// 400: a field that puts another path in the place of this one.
    PathField,
    /// 400: too many fields and parameters that put another method in the place of this one.
    Overrides,
    /// 405: the method, or one that an override puts in its place, is not in the route's list.
    Method {
        /// The value of `Allow`.
        allow: String,
    },
    /// 403: a rule of the route's `deny` list.
    Rule {
        /// The rule as the operator wrote it.
        rule: String,
    },
    /// 400: a query name of the route's `strip_query` list.
    Query {
        /// The name as the operator wrote it.
        name: String,
    },
    /// 508: the request has been here before.
    Loop,
    /// 417: an expectation other than `100-continue`.
    Expectation,
    /// 500: the route has no credential.
    CredentialUnset {
        /// The environment variable or file that lacks it.
        variable: String,
    },
}

impl Denial {
    /// The value of the `Allow` field that goes with a 405 (RFC 9110 §15.5.6); it is
    /// empty where the route allows nothing.
    pub fn allow(&self) -> Option<&str> {
        match self {
            Denial::Trace { allow } | Denial::Method { allow } => Some(allow),
            Denial::Path(_)
            | Denial::NoRoute
            | Denial::Host
            | Denial::Connect
            | Denial::Push { .. }
            | Denial::PathField
            | Denial::Overrides
            | Denial::Rule { .. }
            | Denial::Query { .. }
            | Denial::Loop
            | Denial::Expectation
            | Denial::CredentialUnset { .. } => None,
        }
    }
}

impl From<PathRefused> for Denial {
    fn from(refused: PathRefused) -> Denial {
        Denial::Path(refused)
    }
}

/// One sentence: what was wrong, and what to do.
impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denial::Path(refused) => refused.fmt(f),
            Denial::NoRoute => f.write_str(
                "no route begins with this path: check the base URL, a route's path ends with a slash",
            ),
            Denial::Host => f.write_str(
                "this proxy does not answer to that Host: use the name that the operator allows",
            ),
            Denial::Connect => f.write_str(
                "this is no forward proxy, CONNECT is not supported: send the request to a route's path",
            ),
            Denial::Trace { .. } => {
                f.write_str("TRACE is refused, for its answer would show the credential")
            }
            Denial::Push { remote: Some(remote) } => {
                write!(f, "git push over HTTP is refused: push to {remote}")
            }
            Denial::Push { remote: None } => {
                f.write_str("git push over HTTP is refused: push to the repository's SSH remote")
            }
            Denial::PathField => f.write_str(
                "a field that names another path is refused: leave out X-Original-URL, X-Rewrite-URL and X-Original-URI",
            ),
            Denial::Overrides => f.write_str(
                "the request names too many methods: leave out X-HTTP-Method-Override and its like",
            ),
            Denial::Method { allow } if allow.is_empty() => {
                f.write_str("this route allows no method at all")
            }
            Denial::Method { allow } => {
                write!(f, "this route does not allow the method: use one of {allow}")
            }
            Denial::Rule { rule } => {
                write!(f, "this route denies the request by its rule `{rule}`")
            }
            Denial::Query { name } => {
                write!(f, "this route does not allow `{name}` in the query: leave it out")
            }
            Denial::Loop => f.write_str(
                "the request has come back to the proxy that sent it: a route's upstream leads here",
            ),
            Denial::Expectation => {
                f.write_str("no expectation but 100-continue can be met: leave out the Expect field")
            }
            Denial::CredentialUnset { variable } => write!(
                f,
                "the credential of this route is missing: set {variable} where the proxy runs"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_denial_is_one_sentence_that_names_what_the_operator_wrote() {
        let text = str::to_owned;
        for (denial, sentence) in [
            (
                Denial::Push {
                    remote: Some(text("git://git-gate/app.git")),
                },
                "git push over HTTP is refused: push to git://git-gate/app.git",
            ),
            (
                Denial::Push { remote: None },
                "git push over HTTP is refused: push to the repository's SSH remote",
            ),
            (
                Denial::Method {
                    allow: text("GET, HEAD"),
                },
                "this route does not allow the method: use one of GET, HEAD",
            ),
            (
                Denial::Method {
                    allow: String::new(),
                },
                "this route allows no method at all",
            ),
            (
                Denial::Rule {
                    rule: text("DELETE /repos/*"),
                },
                "this route denies the request by its rule `DELETE /repos/*`",
            ),
            (
                Denial::Query {
                    name: text("access_token"),
                },
                "this route does not allow `access_token` in the query: leave it out",
            ),
            (
                Denial::CredentialUnset {
                    variable: text("CRED_PROXY_TOKEN_0"),
                },
                "the credential of this route is missing: set CRED_PROXY_TOKEN_0 where the proxy runs",
            ),
        ] {
            assert_eq!(denial.to_string(), sentence);
        }
    }

    #[test]
    fn only_a_405_has_an_allow_field() {
        let allow = "GET".to_owned();
        assert_eq!(
            Denial::Trace {
                allow: allow.clone()
            }
            .allow(),
            Some("GET")
        );
        assert_eq!(Denial::Method { allow }.allow(), Some("GET"));
        for denial in [
            Denial::Path(PathRefused::DotSegment),
            Denial::NoRoute,
            Denial::Host,
            Denial::Connect,
            Denial::Push { remote: None },
            Denial::PathField,
            Denial::Overrides,
            Denial::Rule {
                rule: String::new(),
            },
            Denial::Query {
                name: String::new(),
            },
            Denial::Loop,
            Denial::Expectation,
            Denial::CredentialUnset {
                variable: String::new(),
            },
        ] {
            assert_eq!(denial.allow(), None, "{denial}");
        }
    }
}
