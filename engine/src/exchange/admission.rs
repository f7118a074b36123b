//! May this request leave, and along which route.

use std::sync::Arc;

use crate::error::Failure;
use crate::message::{
    FieldName, Method, RequestFraming, RequestHead, RequestTarget, Version, list_members,
};
use crate::policy::{DecodedPath, Denial, Permit, decide};
use crate::route::{Route, RouteTable};
use crate::worker::Worker;

/// Where a well-formed request wants to go.
pub(super) enum Destination<'a> {
    /// Along a route, if policy permits.
    Route(Located<'a>),
    /// To the proxy itself.
    Proxy,
}

/// A request whose route is known.
pub(super) struct Located<'a> {
    pub(super) route: &'a Arc<Route>,
    target: RequestTarget<'a>,
    path: DecodedPath<'a>,
    suffix: &'a [u8],
    /// The authority by which the client reached us.
    authority: Option<&'a [u8]>,
}

/// A request that may leave.
pub(super) struct Admitted<'a> {
    pub(super) permit: Permit<'a>,
    pub(super) target: RequestTarget<'a>,
    /// The authority by which the client reached us.
    pub(super) authority: Option<&'a [u8]>,
    /// What follows the route's path, as it came.
    pub(super) suffix: &'a [u8],
    /// The protocol that the client asks for and the route allows.
    pub(super) upgrade: Option<&'a [u8]>,
}

/// Target, host, path and route, in this order.
pub(super) fn locate<'a>(
    head: &'a RequestHead,
    routes: &'a RouteTable,
    worker: &Worker,
) -> Result<Destination<'a>, Failure> {
    let target = RequestTarget::of(head)?;
    let (authority, path) = match target {
        RequestTarget::Origin { path, .. } => (head.host(), path),
        RequestTarget::Absolute {
            authority, path, ..
        } => (Some(authority), path),
        RequestTarget::Authority => return Err(Denial::Connect.into()),
        RequestTarget::Asterisk => {
            worker.allowed_hosts.check_self_test(head.host())?;
            return Ok(Destination::Proxy);
        }
    };
    // RFC 9112 §3.2.2: an absolute target overrides `Host`; both must be allowed, or a
    // name could be smuggled in beside the one that is.
    worker.allowed_hosts.check(head.host())?;
    worker.allowed_hosts.check(authority)?;
    if head.method() == Method::Options && has_no_hop_left(head) {
        return Ok(Destination::Proxy);
    }
    let decoded = DecodedPath::of(path).map_err(Denial::from)?;
    let route = routes.find(path).ok_or(Denial::NoRoute)?;
    Ok(Destination::Route(Located {
        route,
        target,
        path: decoded,
        suffix: path.get(route.path.len()..).unwrap_or_default(),
        authority,
    }))
}

impl<'a> Located<'a> {
    /// What policy says.
    pub(super) fn admit(
        self,
        head: &'a RequestHead,
        framing: RequestFraming,
        worker: &Worker,
    ) -> Result<Admitted<'a>, Failure> {
        let own_name = worker.pseudonym.as_bytes();
        Ok(Admitted {
            permit: decide(self.route, head, &self.target, &self.path, own_name)?,
            target: self.target,
            authority: self.authority,
            suffix: self.suffix,
            upgrade: asked_upgrade(head, framing, self.route),
        })
    }
}

/// RFC 9110 §7.6.2.
fn has_no_hop_left(head: &RequestHead) -> bool {
    head.fields()
        .all(FieldName::MaxForwards)
        .any(|count| !count.is_empty() && count.iter().all(|&digit| digit == b'0'))
}

/// The first protocol of `Upgrade` that the route allows (RFC 9110 §7.8). A request with
/// a body is never upgraded: its octets and the new protocol's could be taken for each
/// other.
fn asked_upgrade<'a>(
    head: &RequestHead,
    framing: RequestFraming,
    route: &'a Route,
) -> Option<&'a [u8]> {
    if head.version() != Version::Http11
        || !matches!(
            framing,
            RequestFraming::NoBody | RequestFraming::ContentLength(0)
        )
        || !head.fields().has(FieldName::Upgrade)
        || !list_members(head.fields().all(FieldName::Connection))
            .any(|option| option.eq_ignore_ascii_case(b"upgrade"))
    {
        return None;
    }
    list_members(head.fields().all(FieldName::Upgrade)).find_map(|asked| {
        route
            .upgrade
            .iter()
            .find(|allowed| asked.eq_ignore_ascii_case(allowed.as_bytes()))
            .map(String::as_bytes)
    })
}
