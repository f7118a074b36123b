//! The routes of one configuration, and the search in them.

use super::upstream_url::{Scheme, UpstreamUrl};
use crate::policy::{Credential, DenyRule, PathPattern};
use core::cmp::Ordering;
use core::fmt;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};

/// The methods of a route that names none.
pub const METHODS_DEFAULT: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// One path prefix, where it leads, with whose credential, and what may not pass.
///
/// Holds a credential, hence no `Debug`.
pub struct Route {
    /// Begins and ends with `/`; compared with the raw path.
    pub path: String,
    /// Where the suffix goes.
    pub upstream: UpstreamUrl,
    /// What is injected.
    pub credential: Credential,
    /// The methods that may pass, in the order of an `Allow` field. Empty: none may.
    pub methods: Vec<String>,
    /// Requests answered 403.
    pub deny: Vec<DenyRule>,
    /// Query names answered 400.
    pub strip_query: Vec<String>,
    /// Protocols to which a connection may be upgraded, lower case.
    pub upgrade: Vec<String>,
    /// Sent in place of the client's `Accept-Encoding`.
    pub accept_encoding: Option<String>,
    /// `owner/repo` to the remote that a refused push should use instead.
    pub push_remotes: BTreeMap<String, String>,
    /// Which pooled connections this route may use. [`RouteTable::new`] makes it equal
    /// for routes of one origin and one credential.
    pub pool_key: PoolKey,
    /// What the next longer routes take of what follows `path`, set by [`RouteTable::new`]:
    /// a path that only looks as if it were this route's is refused by these.
    pub(crate) longer: Vec<PathPattern>,
}

impl Route {
    /// A route with no option set.
    pub fn new(path: String, upstream: UpstreamUrl, credential: Credential) -> Route {
        Route {
            path,
            upstream,
            credential,
            methods: METHODS_DEFAULT.map(str::to_owned).to_vec(),
            deny: Vec::new(),
            strip_query: Vec::new(),
            upgrade: Vec::new(),
            accept_encoding: None,
            push_remotes: BTreeMap::new(),
            pool_key: PoolKey::unique(),
            longer: Vec::new(),
        }
    }
}

/// Names one origin with one credential. Two tables never share a key, so that a
/// connection opened with the credential of yesterday serves no request of today.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PoolKey(u64);

impl PoolKey {
    /// A key that nothing else in this process has.
    pub fn unique() -> PoolKey {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        PoolKey(NEXT.fetch_add(1, Atomic::Relaxed))
    }
}

/// Two routes have the same path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DuplicatePath {
    /// The path that is there twice.
    pub path: String,
}

impl fmt::Display for DuplicatePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "two routes have the path `{}`", self.path)
    }
}

/// All routes, sorted by path.
///
/// Every prefix of a path sorts before it, and whatever sorts between a prefix and the
/// path begins with that prefix too. So the greatest route not above the path either is
/// the longest prefix itself or lies below it, and `parents` lead up to it. Nothing a
/// client sends makes the search longer: it takes one binary search, one comparison of
/// octets and as many steps as routes of the file are nested.
pub struct RouteTable {
    routes: Vec<Arc<Route>>,
    /// For each route the next shorter route that is a prefix of it.
    parents: Vec<Option<usize>>,
    /// Indices sorted by upstream host, within a host the longest base path first.
    by_host: Vec<usize>,
}

impl RouteTable {
    /// Sorts, links and interns the routes.
    pub fn new(mut routes: Vec<Route>) -> Result<RouteTable, DuplicatePath> {
        routes.sort_by(|a, b| a.path.cmp(&b.path));
        if let Some(pair) = routes.windows(2).find(|pair| pair[0].path == pair[1].path) {
            return Err(DuplicatePath {
                path: pair[0].path.clone(),
            });
        }
        share_pool_keys(&mut routes);
        let parents = link_parents(&routes);
        set_longer(&mut routes, &parents);
        let mut by_host: Vec<usize> = (0..routes.len()).collect();
        by_host.sort_by(|a, b| {
            let (a, b) = (&routes[*a].upstream, &routes[*b].upstream);
            a.host()
                .cmp(b.host())
                .then(b.base_path().len().cmp(&a.base_path().len()))
        });
        let routes = routes.into_iter().map(Arc::new).collect();
        Ok(RouteTable {
            routes,
            parents,
            by_host,
        })
    }

    /// The route with the longest prefix of `raw_path`, octet for octet.
    pub fn find(&self, raw_path: &[u8]) -> Option<&Arc<Route>> {
        let above = self
            .routes
            .partition_point(|route| route.path.as_bytes() <= raw_path);
        let mut candidate = above.checked_sub(1)?;
        let greatest = self.routes[candidate].path.as_bytes();
        let common = greatest
            .iter()
            .zip(raw_path)
            .take_while(|(a, b)| a == b)
            .count();
        // All ancestors are prefixes of `greatest`: one is a prefix of the path exactly
        // when it ends within the common part.
        while self.routes[candidate].path.len() > common {
            candidate = self.parents[candidate]?;
        }
        Some(&self.routes[candidate])
    }

    /// All routes, sorted by path.
    pub fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    /// The route whose upstream covers an absolute URL (same scheme, host and port, and
    /// a base path that is a prefix by whole segments): `own` if it does, else the one
    /// with the longest base path. `host` is the URL's, an IPv6 address with or without
    /// brackets; one that is not in canonical form is not covered.
    pub fn covering<'t>(
        &'t self,
        own: &'t Arc<Route>,
        scheme: Scheme,
        host: &[u8],
        port: u16,
        path: &[u8],
    ) -> Option<&'t Arc<Route>> {
        let host = host
            .strip_prefix(b"[")
            .and_then(|host| host.strip_suffix(b"]"))
            .unwrap_or(host);
        let own_host = own.upstream.host().as_bytes().eq_ignore_ascii_case(host);
        if own_host && own.upstream.covers(scheme, port, path) {
            return Some(own);
        }
        let upstream = |index: &usize| &self.routes[*index].upstream;
        let first = self
            .by_host
            .partition_point(|index| order_by_host(upstream(index).host(), host) == Ordering::Less);
        self.by_host[first..]
            .iter()
            .take_while(|index| order_by_host(upstream(index).host(), host) == Ordering::Equal)
            .find(|index| upstream(index).covers(scheme, port, path))
            .map(|index| &self.routes[*index])
    }
}

/// Orders a lower-case host against one in any case, without copying it.
fn order_by_host(ours: &str, theirs: &[u8]) -> Ordering {
    ours.bytes().cmp(theirs.iter().map(u8::to_ascii_lowercase))
}

fn link_parents(routes: &[Route]) -> Vec<Option<usize>> {
    let mut parents: Vec<Option<usize>> = Vec::with_capacity(routes.len());
    for (index, route) in routes.iter().enumerate() {
        // The predecessor or one of its ancestors, by the same argument as in `find`.
        let mut parent = index.checked_sub(1);
        while let Some(candidate) = parent {
            if route.path.starts_with(&routes[candidate].path) {
                break;
            }
            parent = parents[candidate];
        }
        parents.push(parent);
    }
    parents
}

/// Tells each route of the longer ones that it is the parent of; what those are parents
/// of, they take first.
fn set_longer(routes: &mut [Route], parents: &[Option<usize>]) {
    for (index, parent) in parents.iter().enumerate() {
        if let Some(parent) = *parent {
            let names = &routes[index].path[routes[parent].path.len()..];
            let longer = PathPattern::below(names);
            routes[parent].longer.push(longer);
        }
    }
}

fn share_pool_keys(routes: &mut [Route]) {
    let mut origins: HashMap<(Scheme, String, u16), Vec<usize>> = HashMap::new();
    for index in 0..routes.len() {
        let upstream = &routes[index].upstream;
        let origin = (
            upstream.scheme(),
            upstream.host().to_owned(),
            upstream.port(),
        );
        let peers = origins.entry(origin).or_default();
        let same = |peer: &&usize| {
            routes[**peer]
                .credential
                .is_same_as(&routes[index].credential)
        };
        match peers.iter().find(same) {
            Some(&peer) => routes[index].pool_key = routes[peer].pool_key,
            None => {
                routes[index].pool_key = PoolKey::unique();
                peers.push(index);
            }
        }
    }
}

#[cfg(test)]
mod tests;
