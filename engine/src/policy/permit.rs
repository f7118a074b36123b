//! The decision, in the order in which its answers are given.

use super::credential::Credential;
use super::decoded_path::{DecodedPath, PathRefused};
use super::git_push::GitPush;
use super::query::Query;
use super::secret::Secret;
use crate::message::{Method, RequestHead, RequestTarget, list_members};
use crate::route::Route;
use core::fmt;
use std::sync::Arc;

/// Leave to send one request along its route with its credential. Only [`decide`] makes
/// one, and nothing reaches an upstream without one.
pub struct Permit {
    route: Arc<Route>,
    /// The route's own, taken out here where it is known to be set.
    credential: Arc<Secret>,
}

impl Permit {
    /// Where the request goes.
    pub fn route(&self) -> &Arc<Route> {
        &self.route
    }

    /// The field, in lower case, that carries the credential, and its whole value.
    pub fn credential(&self) -> (&str, &Secret) {
        (self.route.credential.field_name(), &self.credential)
    }
}

/// Why a request does not leave. Its text goes to the agent: nothing in it comes from
/// the request, all names in it are the operator's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Denial {
    /// 400: the path can be read as another.
    Path(PathRefused),
    /// 404: no route is a prefix of the path.
    NoRoute,
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
    /// 405: the method, or one that an override field puts in its place, is not in the route's list.
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
            | Denial::Connect
            | Denial::Push { .. }
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

/// Fields by which Rack, Symfony and others let a POST stand for another method.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// Decides on one request, whose `path` (the decoded copy of the target's) led to `route`.
///
/// The answers come in a fixed order, so that one that is wrong in several ways always
/// gets the same: CONNECT, TRACE, push, method, rule, query, loop, expectation, credential.
pub fn decide(
    route: &Arc<Route>,
    head: &RequestHead,
    target: &RequestTarget<'_>,
    path: &DecodedPath<'_>,
    own_via_pseudonym: &[u8],
) -> Result<Permit, Denial> {
    // The table found the route by the same path; were it another, refuse rather than guess.
    let suffix = path.after(&route.path).ok_or(Denial::NoRoute)?;
    let raw_query = match target {
        RequestTarget::Origin { query, .. } | RequestTarget::Absolute { query, .. } => *query,
        RequestTarget::Authority | RequestTarget::Asterisk => None,
    };
    check_method(head)
        .and_then(|()| check_push(route, &suffix, raw_query))
}
