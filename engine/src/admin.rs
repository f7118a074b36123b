//! The admin address: `GET /metrics`, for a scraper on this machine.

use std::sync::Arc;

use tokio::net::TcpListener;

use crate::downstream::{Client, HeadEnd};
use crate::engine::Engine;
use crate::error::Failure;
use crate::limits::Limits;
use crate::message::{HeadStorage, Method, RequestHead};

/// The media type of Prometheus' text format.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers scrapes, one after the other, for as long as the future is polled.
pub(crate) async fn serve(listener: TcpListener, engine: &Engine, limits: Arc<Limits>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Scrapes come again; out of descriptors, waiting is all there is to do.
            tokio::time::sleep(crate::limits::ACCEPT_BACK_OFF_TIME).await;
            continue;
        };
        let mut client = Client::new(stream, &limits);
        let answer = match client.request_head(&limits).await {
            Ok(HeadEnd::Received(length)) => {
                let block = client.buffer.unread().get(..length).unwrap_or_default();
                answer(block.to_vec(), engine)
            }
            Ok(HeadEnd::Silence) | Err(Failure::ClientGone) => continue,
            Err(_) => response("400 Bad Request", "text/plain", "not a request\n"),
        };
        if client.send(answer.as_bytes(), &limits).await.is_ok() {
            client.linger().await;
        }
    }
}

fn answer(block: Vec<u8>, engine: &Engine) -> String {
    let storage = HeadStorage {
        block,
        ..HeadStorage::default()
    };
    let Ok(head) = RequestHead::parse(storage) else {
        return response("400 Bad Request", "text/plain", "not a request\n");
    };
    if head.method() != Method::Get || head.target_octets() != b"/metrics" {
        return response("404 Not Found", "text/plain", "only GET /metrics is here\n");
    }
    match engine.metrics_text() {
        Some(Ok(text)) => response("200 OK", MEDIA_TYPE, &text),
        Some(Err(_)) | None => response("500 Internal Server Error", "text/plain", "no metrics\n"),
    }
}

fn response(status: &str, media_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
