//! The admin address: `GET /metrics`, for a scraper on this machine.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::access_log::AccessLog;
use crate::downstream::{Client, HeadEnd};
use crate::error::Failure;
use crate::limits::{ACCEPT_BACK_OFF_TIME, ADMIN_CONNECTIONS, Limits};
use crate::message::{HeadStorage, Method, RequestHead};
use crate::metrics::Metrics;

/// The media type of the text format.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers scrapes for as long as the future is polled.
pub(crate) async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    limits: Arc<Limits>,
    log: &AccessLog,
) {
    let slots = Arc::new(Semaphore::new(ADMIN_CONNECTIONS));
    loop {
        // Further ones wait in the accept queue: their descriptors are not counted.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return; // Nobody closes it.
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (metrics, limits) = (Arc::clone(&metrics), Arc::clone(&limits));
                tokio::spawn(async move {
                    answer(stream, &metrics, &limits).await;
                    drop(slot);
                });
            }
            Err(error) => {
                log.process(&format!("can't accept a scrape: {error}"));
                tokio::time::sleep(ACCEPT_BACK_OFF_TIME).await;
            }
        }
    }
}

/// One connection, one answer.
async fn answer(stream: TcpStream, metrics: &Metrics, limits: &Limits) {
    let mut client = Client::new(stream, limits);
    // A scrape that drains with the process needs no ceremony: it is dropped.
    let mut never = pin!(std::future::pending());
    let received = loop {
        let mut due = None;
        let readable = poll_fn(|context| {
            client.poll_readable(context, limits.idle_time, &mut due, never.as_mut())
        });
        if !readable.await {
            return;
        }
        match client.request_head(limits, never.as_mut()).await {
            Ok(HeadEnd::NothingYet) => {}
            received => break received,
        }
    };
    let response = match received {
        Ok(HeadEnd::Received(length)) => {
            let block = client.buffer.unread().get(..length).unwrap_or_default();
            let storage = HeadStorage {
                block: block.to_vec(),
                ..HeadStorage::default()
            };
            match RequestHead::parse(storage) {
                Ok(head) => scrape(&head, metrics),
                Err(_) => not_a_request(),
            }
        }
        Ok(HeadEnd::Silence | HeadEnd::NothingYet) | Err(Failure::ClientGone) => return,
        Err(_) => not_a_request(),
    };
    if client.send(response.as_bytes(), limits).await.is_ok() {
        client.linger(limits).await;
    }
}

fn scrape(head: &RequestHead, metrics: &Metrics) -> String {
    if head.method() != Method::Get || head.target_octets() != b"/metrics" {
        return response("404 Not Found", "text/plain", "only GET /metrics is here\n");
    }
    match metrics.render() {
        Ok(text) => response("200 OK", MEDIA_TYPE, &text),
        Err(_) => response("500 Internal Server Error", "text/plain", "no metrics\n"),
    }
}

fn not_a_request() -> String {
    response("400 Bad Request", "text/plain", "not a request\n")
}

fn response(status: &str, media_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
