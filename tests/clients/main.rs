//! Real clients against real servers, the proxy between them: curl, git, npm, the
//! vendors' Python libraries, Node. Every client brings a credential of its own, which
//! no service may see; none is shown the one that the proxy adds.

mod curl;
mod curl_ended;
mod git;
mod node;
mod npm;
mod python;

use harness::origin::Origin;
use harness::proxy::{TOKEN_ENV, bearer};
use harness::{Authority, Builder, Proxy, TOKEN};

/// How a service names itself in its certificate, and in routes.
const NAME: &str = "localhost";

/// A proxy with one route at `path` to `origin`, over TLS, with a Bearer token.
fn proxy_to(path: &str, origin: &Origin, authority: &Authority) -> Builder {
    let url = format!("https://{NAME}:{}", origin.port());
    Proxy::builder()
        .route(bearer(path, &url))
        .token(TOKEN_ENV, TOKEN)
        .env("SSL_CERT_FILE", authority.pem_file())
}

/// The field value with which the service is called.
fn ours() -> String {
    format!("Bearer {TOKEN}")
}
