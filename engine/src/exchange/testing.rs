//! A conversation between two in-memory pipes, on a clock that a test may stop.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use tokio::io::DuplexStream;

use super::conversation::{Conversation, Ending};
use super::relay::Relay;
use super::response::{ResponseLeg, ResponseRequest};
use super::sides::Sides;
use crate::clock::Clock;
use crate::downstream::{Client, ClientStream};
use crate::error::{Failure, UpstreamConnectionAge};
use crate::forward::References;
use crate::limits::Limits;
use crate::message::{BodyDecoder, BodyEncoding, Method, Persistence, RequestFraming, Version};
use crate::policy::Credential;
use crate::route::{Route, RouteTable, UpstreamUrl};
use crate::wire::{Batch, ReadBuffer};

impl ClientStream for DuplexStream {
    fn poll_readable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(())) // A pipe can't tell; the read itself waits.
    }

    fn has_input(&self) -> bool {
        false // Nor this.
    }

    fn has_hung_up(&self) -> bool {
        false // Nor this; a pipe's reader sees the end when it gets there.
    }

    fn reset_on_close(&self) {}
}

/// What the client asked.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) version: Version,
    pub(super) framing: RequestFraming,
    pub(super) expects_continue: bool,
    pub(super) upgrade: Option<&'static [u8]>,
}

impl Asked {
    pub(super) fn get() -> Self {
        Asked {
            method: Method::Get,
            version: Version::Http11,
            framing: RequestFraming::NoBody,
            expects_continue: false,
            upgrade: None,
        }
    }

    pub(super) fn post(framing: RequestFraming) -> Self {
        Asked {
            method: Method::Post,
            framing,
            ..Asked::get()
        }
    }
}

/// The head that every conversation forwards; its octets matter to nobody here.
pub(super) const HEAD: &[u8] = b"HEAD\r\n\r\n";

/// Runs a conversation to its end. The far ends of both pipes are the caller's.
pub(super) async fn converse(
    asked: &Asked,
    client: DuplexStream,
    service: &mut DuplexStream,
    limits: &Limits,
) -> Result<Ending, Failure> {
    let table = RouteTable::new(vec![Route::new(
        "/a/".into(),
        UpstreamUrl::parse("http://up.example").expect("an URL"),
        Credential::unset("authorization", "T"),
    )])
    .expect("one route");
    let clock = Clock::default();
    let mut client = Client::new(client, limits);
    let encoding = match asked.framing {
        RequestFraming::NoBody | RequestFraming::ContentLength(_) => BodyEncoding::Identity,
        RequestFraming::Chunked => BodyEncoding::Chunked,
    };
    let mut request = Relay::new(
        HEAD.to_vec(),
        BodyDecoder::for_request(asked.framing, limits),
        encoding,
        Batch::default(),
        &client.buffer,
    )
    .expect("an empty buffer has no fault");
    let mut response = ResponseLeg::new(
        ResponseRequest {
            method: asked.method,
            version: asked.version,
            persistence: Persistence::Reuse,
            expects_continue: asked.expects_continue,
            upgrade: asked.upgrade,
            references: References {
                table: &table,
                route: &table.routes()[0],
                authority: None,
                suffix: b"",
            },
        },
        limits,
        &clock,
        Default::default(),
        Batch::default(),
    );
    let mut conversation = Conversation::new(&mut request, &mut response, limits, None);
    let mut service_buffer = ReadBuffer::default();
    let mut sides = Sides {
        client: &mut client,
        service,
        service_buffer: &mut service_buffer,
        service_age: UpstreamConnectionAge::Fresh,
    };
    poll_fn(|context| conversation.poll(context, &mut sides)).await
}
