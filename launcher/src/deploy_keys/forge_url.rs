//! Where a forge's web pages and its API are.

use std::net::IpAddr;

/// Why an `api_url` is not used, to be read behind its name.
pub(super) const IN_THE_CLEAR: &str =
    "would carry the token in the clear; write it with `https://`";

/// The forge's root, without a `/` at its end, from an `api_url` that the manifest has read.
///
/// Plain HTTP is for a forge on this very machine.
pub(super) fn root(api_url: &str) -> Result<String, &'static str> {
    let (scheme, rest) = api_url.split_once("://").unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    match scheme {
        "https" => {}
        "http" if is_loopback(authority) => {}
        _ => return Err(IN_THE_CLEAR),
    }
    let root = api_url.trim_end_matches('/');
    // As its own documentation has it, the API begins below that.
    let root = root.strip_suffix("/api/v1").unwrap_or(root);
    Ok(root.to_owned())
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => authority.split(':').next(),
    };
    let host = host.unwrap_or_default();
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_and_nothing_goes_in_the_clear() {
        for (url, found) in [
            ("https://git.example.org", Some("https://git.example.org")),
            ("https://h/gitea/api/v1", Some("https://h/gitea")),
            ("https://h:8443/", Some("https://h:8443")),
            ("http://127.0.0.1:3000", Some("http://127.0.0.1:3000")),
            ("http://[::1]:3000/x", Some("http://[::1]:3000/x")),
            ("http://localhost", Some("http://localhost")),
            ("http://git.example.org", None),
            ("http://127.0.0.1.example.org", None),
            ("http://localhost.example.org", None),
            ("ftp://h", None),
            ("h", None),
        ] {
            let root = root(url);
            assert_eq!(root.as_deref().ok(), found, "{url}");
        }
    }
}
