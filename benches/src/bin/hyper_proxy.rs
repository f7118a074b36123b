//! A peer that understands HTTP: `hyper-proxy LISTEN UPSTREAM` is the reverse proxy that one
//! writes with hyper 1, a server and a pooled client. It does what `cred-proxy` does to a
//! request that may pass (prefix off, Host and credential put in), and judges nothing.

use std::net::SocketAddr;

use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

const PREFIX: &str = "/api";

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let mut address = || {
        let text = args.next().expect("usage: hyper-proxy LISTEN UPSTREAM");
        text.parse::<SocketAddr>().expect("ADDRESS:PORT")
    };
    let (listen, upstream) = (address(), address());
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<HttpConnector, Incoming> = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(32)
        .build(connector);
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let client = client.clone();
        let service = service_fn(move |mut request| {
            redirect(&mut request, upstream);
            client.request(request)
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // A connection that breaks concerns nobody else.
            let _ = connection.await;
        });
    }
}

fn redirect(request: &mut Request<Incoming>, upstream: SocketAddr) {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    let uri = format!("http://{upstream}{path}");
    *request.uri_mut() = uri.parse::<Uri>().expect("an address and a parsed path");
    let host = HeaderValue::from_str(&upstream.to_string()).expect("digits");
    let fields = request.headers_mut();
    fields.insert(HOST, host);
    fields.insert(
        AUTHORIZATION,
        HeaderValue::from_static("Bearer opens-nothing"),
    );
}
