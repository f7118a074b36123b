//! Where references of an upstream lead a client, before and after they are rewritten.
//!
//! The input is lines: the path that was asked for, then values of `Location` and `Link`.

use crate::client_url::{Reference, Url};
use crate::{forwarded, input};
use engine::forward::References;
use engine::limits;
use engine::route::RouteTable;
use std::sync::LazyLock;

const PROXY: &str = "cred-proxy:9099";
/// With a character that no path has that is asked for here.
const TOKEN: &str = "s3cr3t=t0ken";

/// Two routes to one place, one within another, a base path, an address, plain http.
const ROUTES: [(&str, &str, &str, &str); 9] = [
    ("/gh-api/", "https", "api.github.com:443", ""),
    ("/gh-two/", "https", "api.github.com:443", ""),
    ("/gh-git/", "https", "github.com:443", ""),
    ("/gl/", "https", "git.example.org:443", "/api/v4"),
    ("/six/", "http", "[::1]:8080", ""),
    ("/n/", "https", "n.example:443", ""),
    ("/n/same/", "https", "n.example:443", "/same"),
    ("/n/other/", "https", "other.example:443", ""),
    ("/plain/", "http", "plain.example:80", "/base"),
];

type Row = (&'static str, &'static str, &'static str, &'static str);

static TABLE: LazyLock<RouteTable> = LazyLock::new(|| {
    let routes = ROUTES.iter().map(|(path, scheme, authority, base)| {
        forwarded::route(path, &format!("{scheme}://{authority}{base}"), TOKEN)
    });
    forwarded::table(routes.map(|route| route.expect("an upstream")).collect())
});

/// Asserts that a client which follows a rewritten reference gets to where the upstream
/// meant it to go, by way of the proxy if a route leads there, and never into another
/// route's upstream than that.
pub fn run(input: &[u8]) {
    let mut lines = input::lines(input);
    let asked = lines.next().unwrap_or_default();
    let asked = str::from_utf8(asked)
        .ok()
        .filter(|path| is_plain_path(path));
    let asked = asked.filter(|path| taker(path.as_bytes()).is_some());
    let asked = asked.unwrap_or("/gh-api/x/y/z");
    for line in lines.take(8) {
        let is_in_value = |octet: &&u8| !octet.is_ascii_control() || **octet == b'\t';
        let value: Vec<u8> = line.iter().filter(is_in_value).copied().collect();
        for authority in [Some(PROXY.as_bytes()), None] {
            location(asked, value.trim_ascii(), authority);
            link(asked, value.trim_ascii(), authority);
        }
    }
}

fn location(asked: &str, value: &[u8], authority: Option<&[u8]>) {
    let rewritten = references(asked, authority).rewrite(value);
    leads_where_it_did(asked, value, rewritten.as_deref().unwrap_or(value));
}

/// All that stands outside of angle brackets stays; what stands within is a reference.
fn link(asked: &str, value: &[u8], authority: Option<&[u8]>) {
    let before = split_link(value);
    let mut left = limits::LINK_TARGETS;
    let rewritten = references(asked, authority).rewrite_link(value, &mut left);
    let Ok(rewritten) = rewritten else {
        return assert!(before.len() / 2 > limits::LINK_TARGETS);
    };
    let rewritten = rewritten.unwrap_or_else(|| value.to_vec());
    let after = split_link(&rewritten);
    assert_eq!(before.len(), after.len(), "{}", rewritten.escape_ascii());
    for (index, (before, after)) in before.iter().zip(after).enumerate() {
        match index % 2 {
            0 => assert_eq!(*before, after),
            _ => leads_where_it_did(asked, before, after),
        }
    }
}

fn references<'a>(asked: &'a str, authority: Option<&'a [u8]>) -> References<'a> {
    let (path, ..) = taker(asked.as_bytes()).expect("a route");
    References {
        table: &TABLE,
        route: TABLE.find(path.as_bytes()).expect("a route"),
        authority,
        suffix: &asked.as_bytes()[path.len()..],
    }
}

fn leads_where_it_did(asked: &str, reference: &[u8], rewritten: &[u8]) {
    let shown = format!(
        "{} → {}",
        reference.escape_ascii(),
        rewritten.escape_ascii()
    );
    holds_nothing_it_must_not(asked, reference, rewritten);

    let own = taker(asked.as_bytes()).expect("a route");
    let at_proxy = Url::of_http(PROXY, asked);
    let at_upstream = upstream_url(&own, asked.as_bytes(), &[]);
    let read = Reference::read(reference);
    let meant = read.resolve(&at_upstream);
    let followed = Reference::read(rewritten).resolve(&at_proxy);
    if read.names(PROXY) {
        // A service may guess the proxy's name: docs/DECISIONS.md, "What a redirect can
        // still do".
        let same = match read.is_network_path() && own.1 == "https" {
            true => [b"https:", reference].concat() == rewritten,
            false => reference == rewritten,
        };
        return assert!(!read.is_plain || same, "{shown}");
    }
    let Some(followed) = followed.filter(|url| url.is_http_at(PROXY)) else {
        // Foreign before and after, by the same scheme.
        let there = Reference::read(rewritten).resolve(&at_proxy);
        assert!(
            !read.is_plain || there == meant,
            "{shown}: {there:?}, {meant:?}"
        );
        let is_covered = meant.is_some_and(|url| read.is_plain && is_taken_by_own(&own, &url));
        return assert!(!is_covered, "{shown}: own route covers it");
    };
    let Some(route) = taker(&followed.path) else {
        return assert!(!read.is_plain, "{shown} leads to no route");
    };
    let reached = upstream_url(&route, &followed.path, &followed.tail);
    let leads_there =
        |meant: Option<Url>| meant.is_some_and(|meant| meant.with_slash_after(route.3) == reached);
    // A reference that readers disagree about may lead where any of them goes, or stay.
    let is_odd = !read.is_plain;
    let is_right = leads_there(meant)
        || (is_odd && (route == own || leads_there(read.resolve_without_host(&at_upstream))));
    assert!(is_right, "{shown} leads to {reached:?}");
}

fn holds_nothing_it_must_not(asked: &str, reference: &[u8], rewritten: &[u8]) {
    let is_bad = |octet: &u8| octet.is_ascii_control() && *octet != b'\t';
    assert!(!rewritten.iter().any(is_bad));
    let has_token = |octets: &[u8]| {
        let mut parts = octets.windows(TOKEN.len());
        parts.any(|part| part == TOKEN.as_bytes())
    };
    // A tab in it is dropped.
    let said: Vec<u8> = reference.iter().copied().filter(|o| *o != b'\t').collect();
    assert!(has_token(&said) || !has_token(rewritten));
    // Scheme, authority, a route's path, a base path.
    let bound = reference.len() + asked.len() + 2 * PROXY.len() + 64;
    assert!(rewritten.len() <= bound, "{} octets", rewritten.len());
}

/// Where the proxy asks for `path`, which `route` takes.
fn upstream_url((prefix, scheme, authority, base): &Row, path: &[u8], tail: &[u8]) -> Url {
    Url {
        scheme,
        authority: (*authority).into(),
        path: [base.as_bytes(), b"/", &path[prefix.len()..]].concat(),
        tail: tail.to_vec(),
    }
}

/// The own route leads to it, and no longer one stands in the way.
fn is_taken_by_own(own: &Row, url: &Url) -> bool {
    let (prefix, scheme, authority, base) = own;
    let Some(rest) = url.path.strip_prefix(base.as_bytes()) else {
        return false;
    };
    let path = [prefix.as_bytes(), rest.strip_prefix(b"/").unwrap_or(rest)].concat();
    (url.scheme, &url.authority[..]) == (*scheme, authority.as_bytes())
        && (rest.is_empty() || rest.starts_with(b"/"))
        && taker(&path) == Some(*own)
}

/// The route of a path: the longest prefix.
fn taker(path: &[u8]) -> Option<Row> {
    let takers = ROUTES
        .iter()
        .filter(|(prefix, ..)| path.starts_with(prefix.as_bytes()));
    takers.max_by_key(|(prefix, ..)| prefix.len()).copied()
}

fn is_plain_path(path: &str) -> bool {
    let octet = |octet: u8| octet.is_ascii_alphanumeric() || b"-_./~@".contains(&octet);
    path.bytes().all(octet) && !path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// Text, target, text, target, …: a target stands between `<` and the next `>`.
fn split_link(value: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some(open) = rest.iter().position(|octet| *octet == b'<') {
        let (text, target) = rest.split_at(open + 1);
        let close = target.iter().position(|octet| *octet == b'>');
        let (target, after) = target.split_at(close.unwrap_or(target.len()));
        parts.extend([text, target]);
        rest = after;
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    #[test]
    fn seeds_lead_where_they_did() {
        seeds::run_all("rewrite", run);
    }

    #[test]
    fn the_oracle_tells_ways_apart() {
        let leads = |reference: &str, rewritten: &str| {
            let (before, after) = (reference.to_owned(), rewritten.to_owned());
            let way = move || {
                leads_where_it_did("/gh-api/x/y/z", before.as_bytes(), after.as_bytes());
            };
            std::panic::catch_unwind(way).is_ok()
        };
        assert!(leads("/u", "http://cred-proxy:9099/gh-api/u"));
        assert!(leads("https://github.com/u?q", "/gh-git/u?q"));
        assert!(leads("https://example.org/u", "https://example.org/u"));
        assert!(!leads("/u", "/u"));
        assert!(!leads("../../../gh-git/u", "../../../gh-git/u"));
        assert!(!leads(
            "https://api.github.com/u",
            "https://api.github.com/u"
        ));
        assert!(!leads("https://example.org/u", "/gh-api/u"));
        assert!(!leads("/u", "/gh-api/v"));
    }
}
