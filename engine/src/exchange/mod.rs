//! One request and its response: the only room that sees both sides.
//!
//! ```text
//! request_head ▶ locate ▶ admit ▶ open_request ▶ acquire ▶ converse ▶ record
//!  400 408 414   404 421  403 405  400 (body)     502 504   408 502   one log line,
//!  431 501 505   501      417 500                           504       reuse | linger | cut
//! ```
//!
//! The payload is touched by nobody: it leaves from the buffer it was read into. A failure
//! before the response has begun is answered; after that it can only close.

mod admission;
mod connection;
mod conversation;
mod record;
mod refusal;
mod relay;
mod response;
mod sides;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tunnel;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

pub(crate) use connection::Connections;

use crate::downstream::{Client, ClientStream, HeadEnd};
use crate::error::{Failure, UpstreamConnectionAge};
use crate::forward::{ForwardedRequest, References, RequestContext};
use crate::message::{
    BodyDecoder, BodyEncoding, CloseReason, FieldName, Persistence, RequestFraming, RequestHead,
    Version,
};
use crate::policy::Permit;
use crate::route::RouteTable;
use crate::upstream::UpstreamConnection;
use crate::worker::{Memory, Worker};
use admission::{Admitted, Destination, locate};
use conversation::{Conversation, Ending};
use record::Record;
use relay::Relay;
use response::{ResponseLeg, ResponseRequest};
use sides::Sides;

/// What becomes of the client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another request may follow.
    Reuse,
    /// Closed, once what was written has surely arrived.
    Linger,
    /// Closed at once: the client is gone, or is told by the missing end of a body.
    Cut,
    /// Reset: the only way to tell a client, for whom the close ends the body, that this
    /// close does not.
    Reset,
}

/// An exchange under way.
struct Exchange<'a, S> {
    client: &'a mut Client<S>,
    memory: &'a mut Memory,
    worker: &'a Worker,
    record: Record,
    body: RequestBody,
    response_begun: bool,
    /// Whether only the connection's end would tell the client that its response is over.
    ends_by_close: bool,
    /// Whether the method is HEAD as far as anybody can see, although no head was understood:
    /// the client expects no content whatever the answer (RFC 9110 §9.3.2).
    begins_as_head: bool,
}

/// What is known of the request body if the exchange fails now.
#[derive(Clone, Copy)]
enum RequestBody {
    /// Its octets, as far as they have come, are all in the client's buffer.
    Untouched(RequestFraming),
    /// It was being relayed; whether it was read to its end.
    Taken { whole: bool },
    /// Where it ends can't be known.
    Unknown,
}

/// Reads one request and sees it through.
async fn run<S: ClientStream>(
    client: &mut Client<S>,
    memory: &mut Memory,
    worker: &Worker,
) -> Next {
    let drained = worker.drain.cancelled();
    let received = client.request_head(&worker.limits, pin!(drained)).await;
    let mut exchange = Exchange {
        client,
        memory,
        worker,
        record: Record::begin(worker),
        body: RequestBody::Unknown,
        response_begun: false,
        ends_by_close: false,
        begins_as_head: false,
    };
    let octets = exchange.client.buffer.unread();
    // The empty line that may stand before it is no part of it (RFC 9112 §2.2).
    exchange.begins_as_head = octets
        .strip_prefix(b"\r\n")
        .unwrap_or(octets)
        .starts_with(b"HEAD ");
    let head = match received {
        Ok(HeadEnd::Silence) => return Next::Cut,
        Ok(HeadEnd::NothingYet) => return Next::Reuse,
        Ok(HeadEnd::Received(length)) => exchange.take_head(length),
        Err(failure) => Err(failure),
    };
    let head = match head {
        Ok(head) => head,
        Err(failure) => {
            let next = exchange.answer(None, &failure).await;
            exchange.record.close(None, worker);
            return next;
        }
    };
    let next = match exchange.perform(&head).await {
        Ok(next) => next,
        Err(failure) => exchange.answer(Some(&head), &failure).await,
    };
    let Exchange { memory, record, .. } = exchange;
    record.close(Some(&head), worker);
    memory.request_head = head.into_storage();
    next
}

impl<S: ClientStream> Exchange<'_, S> {
    /// Parses the head at the front of the client's buffer.
    fn take_head(&mut self, length: usize) -> Result<RequestHead, Failure> {
        let mut storage = std::mem::take(&mut self.memory.request_head);
        let octets = self
            .client
            .buffer
            .unread()
            .get(..length)
            .unwrap_or_default();
        storage.block.extend_from_slice(octets);
        self.client.buffer.consume(length);
        Ok(RequestHead::parse(storage)?)
    }

    /// The stages, in their order.
    async fn perform(&mut self, head: &RequestHead) -> Result<Next, Failure> {
        // Framing comes before anything that could look at `Connection` (RFC 9112 §6.3).
        let framing = RequestFraming::of(head)?;
        self.body = RequestBody::Untouched(framing);
        let routes = self.worker.routes();
        let located = match locate(head, &routes, self.worker)? {
            Destination::Route(located) => located,
            Destination::Proxy => return self.answer_options(head).await,
        };
        self.record.route = Some(Arc::clone(located.route));
        let admitted = located.admit(head, framing, self.worker)?;
        let mut request = self.open_request(head, framing, &admitted)?;
        let result = self.attempt(head, &routes, &admitted, &mut request).await;
        self.record.octets_up += request.payload();
        let whole = request.discard(&mut self.client.buffer);
        self.body = RequestBody::Taken { whole };
        self.memory.request = request.into_batch();
        result
    }

    /// The forwarded head with what is buffered of the body, so that a fault in that is
    /// found before a connection is made.
    fn open_request(
        &mut self,
        head: &RequestHead,
        framing: RequestFraming,
        admitted: &Admitted<'_>,
    ) -> Result<Relay, Failure> {
        let mut batch = std::mem::take(&mut self.memory.request);
        let context = RequestContext {
            head,
            target: &admitted.target,
            framing,
            pseudonym: &self.worker.pseudonym,
            upgrade: admitted.upgrade,
        };
        let octets = std::mem::take(&mut batch.lead);
        let forwarded = ForwardedRequest::encode(&context, &admitted.permit, octets)
            .map_err(Failure::LimitReached)?;
        let encoding = match framing {
            RequestFraming::NoBody | RequestFraming::ContentLength(_) => BodyEncoding::Identity,
            RequestFraming::Chunked => BodyEncoding::Chunked,
        };
        let decoder = BodyDecoder::for_request(framing, &self.worker.limits);
        let relay = Relay::new(
            forwarded.into_octets(),
            decoder,
            encoding,
            batch,
            &self.client.buffer,
        )?;
        Ok(relay)
    }

    /// Sends the request; once more on a fresh connection if a pooled one had died of old
    /// age, and nothing can have been done by it twice (RFC 9110 §9.2.2).
    async fn attempt(
        &mut self,
        head: &RequestHead,
        routes: &RouteTable,
        admitted: &Admitted<'_>,
        request: &mut Relay,
    ) -> Result<Next, Failure> {
        let mut fresh_only = false;
        loop {
            let mut service = self.acquire(&admitted.permit, fresh_only).await?;
            let ended = self
                .converse(head, routes, admitted, request, &mut service)
                .await;
            match ended {
                Err(Failure::UpstreamGone(UpstreamConnectionAge::Reused))
                    if admitted.permit.is_repeatable() && request.can_rewind() =>
                {
                    request.rewind();
                    fresh_only = true;
                }
                Err(failure) => return Err(failure),
                // Boxed: rare, and larger than all that every exchange carries along.
                Ok(Ended::Tunnel) => return Box::pin(self.tunnel(&mut service)).await,
                Ok(Ended::Response {
                    client,
                    service: service_persistence,
                }) => {
                    if service_persistence == Persistence::Reuse
                        && self.memory.service.unread().is_empty()
                    {
                        self.worker.upstreams.release(service);
                    }
                    return Ok(match client {
                        Persistence::Reuse => Next::Reuse,
                        Persistence::Close(_) => Next::Linger,
                    });
                }
            }
        }
    }

    async fn acquire(
        &mut self,
        permit: &Permit<'_>,
        fresh_only: bool,
    ) -> Result<UpstreamConnection, Failure> {
        let acquire = self.worker.upstreams.acquire(permit, fresh_only);
        let service = self
            .client
            .unless_gone(acquire)
            .await?
            .map_err(Failure::Unreachable)?;
        self.record.reused = service.reused;
        if !service.reused {
            let upstream = &permit.route().upstream;
            let log = &self.worker.log;
            log.debug(|| format!("connected to {}:{}", upstream.host(), upstream.port()));
        }
        if let Some(metrics) = &self.worker.metrics {
            metrics.upstream_acquired(service.reused);
        }
        self.memory.service.recycle();
        Ok(service)
    }

    /// Both messages at once, until the response is complete.
    async fn converse(
        &mut self,
        head: &RequestHead,
        routes: &RouteTable,
        admitted: &Admitted<'_>,
        request: &mut Relay,
        service: &mut UpstreamConnection,
    ) -> Result<Ended, Failure> {
        let persistence = match self.worker.drain.is_cancelled() {
            true => Persistence::Close(CloseReason::Draining),
            false => Persistence::of_request(head),
        };
        let mut response = ResponseLeg::new(
            ResponseRequest {
                method: head.method(),
                version: head.version(),
                persistence,
                expects_continue: head.version() == Version::Http11
                    && head.fields().has(FieldName::Expect),
                upgrade: admitted.upgrade,
                references: References {
                    table: routes,
                    route: admitted.permit.route(),
                    authority: admitted.authority,
                    suffix: admitted.suffix,
                },
            },
            &self.worker.limits,
            &self.worker.clock,
            std::mem::take(&mut self.memory.response_head),
            std::mem::take(&mut self.memory.response),
        );
        let mut conversation = Conversation::new(
            request,
            &mut response,
            &self.worker.limits,
            Some(&self.worker.kernel_pipes),
        );
        let mut sides = Sides {
            client: &mut *self.client,
            service: &mut service.stream,
            service_buffer: &mut self.memory.service,
            service_age: match service.reused {
                true => UpstreamConnectionAge::Reused,
                false => UpstreamConnectionAge::Fresh,
            },
        };
        let result = poll_fn(|context| conversation.poll(context, &mut sides)).await;
        self.response_begun = response.has_begun();
        self.ends_by_close = response.ends_by_close();
        self.record.status = response.status;
        self.record.head_at = response.head_at;
        self.record.octets_down = response.payload();
        let (client, service) = (response.client_persistence, response.service_persistence);
        (self.memory.response_head, self.memory.response) = response.into_parts();
        Ok(match result? {
            Ending::Tunnel => Ended::Tunnel,
            Ending::Complete {
                request_complete: true,
            } => Ended::Response { client, service },
            // What is left of the request would be read as the next one.
            Ending::Complete {
                request_complete: false,
            } => Ended::Response {
                client: Persistence::Close(CloseReason::RequestUnfinished),
                service: Persistence::Close(CloseReason::RequestUnfinished),
            },
        })
    }

    async fn tunnel(&mut self, service: &mut UpstreamConnection) -> Result<Next, Failure> {
        let (carried, result) = tunnel::run(
            self.client,
            &mut service.stream,
            &mut self.memory.service,
            &self.worker.limits,
        )
        .await;
        self.record.octets_up += carried.up;
        self.record.octets_down += carried.down;
        result.map(|()| Next::Cut)
    }
}

/// How both messages ended when nothing failed.
enum Ended {
    /// Another protocol is spoken from here on.
    Tunnel,
    /// What each connection is good for.
    Response {
        client: Persistence,
        service: Persistence,
    },
}
