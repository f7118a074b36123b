//! TLS for real: whom the proxy believes, what it says in its hello, what it makes of
//! a stream that is cut, how it goes through a company's outbound proxy.

mod certificates;
mod hello;
mod large;
mod no_proxy;
mod pool;
mod truncation;
mod tunnel;

use harness::{Authority, Builder, Client, Connection, Peer, Proxy, Response, Upstream};

/// The name under which a service is reached: the one name that means loopback everywhere.
const NAME: &str = "localhost";

/// The request of most tests here.
const GET: &str = "GET /api/x HTTP/1.1\r\nHost: proxy\r\n\r\n";

/// A short answer, complete in itself.
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A proxy whose only route leads to `url`, and who trusts `authority` and nobody else.
fn proxy_to(url: &str, authority: &Authority) -> Builder {
    Proxy::to_url(url).env("SSL_CERT_FILE", authority.pem_file())
}

/// A service that proves to be [`NAME`], and a proxy before it.
fn service(authority: &Authority) -> (Upstream, Proxy) {
    let upstream = Upstream::tls(authority.server_config(&[NAME]));
    let proxy = proxy_to(&upstream.url_of(NAME), authority).start();
    (upstream, proxy)
}

/// A client that has asked, and the service's connection that has read it.
fn asked(proxy: &Proxy, upstream: &Upstream) -> (Client, Connection) {
    let mut client = proxy.client();
    client.send(GET);
    let mut connection = upstream.accept();
    connection.read_request();
    (client, connection)
}

/// Fails unless this is the proxy's own answer of that status, of a type of RFC 9209,
/// in one short sentence with one of these words.
fn assert_own_answer(response: &Response, status: u16, error: &str, words: &[&str]) {
    assert_eq!(response.status(), status, "{response:?}");
    let proxy_status = response.head.one("proxy-status").unwrap_or_default();
    let expected = format!("cred-proxy; error={error}");
    assert!(proxy_status.starts_with(&expected), "{response:?}");
    let text = response.text().to_ascii_lowercase();
    let said = words.is_empty() || words.iter().any(|word| text.contains(word));
    assert!(said, "none of {words:?} in {text:?}");
}
