//! The response side of a conversation: interim heads, the final head, its body.

use std::task::{Context, Poll, ready};

use tokio::io::AsyncRead;
use tokio::time::Instant;

use super::relay::Relay;
use super::sides::Sides;
use crate::clock::Clock;
use crate::error::{Failure, UpstreamConnectionAge, UpstreamFault};
use crate::forward::{ForwardedResponse, References, ResponseContext};
use crate::limits::Limits;
use crate::message::{
    BodyDecoder, BodyEncoding, CloseReason, Fault, FieldName, HeadLimits, HeadScan, HeadStorage,
    LimitReached, Method, Persistence, ResponseFraming, ResponseHead, Status, Version,
};
use crate::wire::{Batch, ReadBuffer};

/// Where the response is.
pub(super) enum ResponseState {
    /// A head is awaited.
    Head(HeadScan),
    /// A 1xx is on its way to the client.
    Interim(Relay),
    /// The final response is on its way, head first.
    Final(Relay, FinalHead),
}

/// What kind of final head was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FinalHead {
    /// A response with its body.
    Response,
    /// 101, after which the connection is a tunnel.
    SwitchingProtocols,
}

/// What of the request decides how its response is read and written.
pub(super) struct ResponseRequest<'a> {
    pub(super) method: Method,
    pub(super) version: Version,
    pub(super) persistence: Persistence,
    pub(super) expects_continue: bool,
    /// The protocol that the client asked for and its route allows.
    pub(super) upgrade: Option<&'a [u8]>,
    pub(super) references: References<'a>,
}

/// The response side, and what it learnt.
pub(super) struct ResponseLeg<'a> {
    pub(super) state: ResponseState,
    pub(super) request: ResponseRequest<'a>,
    limits: &'a Limits,
    clock: &'a Clock,
    storage: HeadStorage,
    batch: Option<Batch>,
    interim_count: usize,
    /// Whether a 100 has come.
    continued: bool,
    /// Whether an octet of any answer has come.
    pub(super) answered: bool,
    /// The final status, once its head was read.
    pub(super) status: Option<u16>,
    /// When the final head was read.
    pub(super) head_at: Option<Instant>,
    /// Whether the client's connection may go on, as its response head said.
    pub(super) client_persistence: Persistence,
    /// Whether the upstream's connection may be used again.
    pub(super) service_persistence: Persistence,
}

impl<'a> ResponseLeg<'a> {
    pub(super) fn new(
        request: ResponseRequest<'a>,
        limits: &'a Limits,
        clock: &'a Clock,
        storage: HeadStorage,
        batch: Batch,
    ) -> Self {
        ResponseLeg {
            state: ResponseState::Head(HeadScan::default()),
            client_persistence: request.persistence,
            request,
            limits,
            clock,
            storage,
            batch: Some(batch),
            interim_count: 0,
            continued: false,
            answered: false,
            status: None,
            head_at: None,
            service_persistence: Persistence::Reuse,
        }
    }

    /// Its memory, for the next exchange.
    pub(super) fn into_parts(self) -> (HeadStorage, Batch) {
        let batch = match self.state {
            ResponseState::Head(_) => self.batch.unwrap_or_default(),
            ResponseState::Interim(relay) | ResponseState::Final(relay, _) => relay.into_batch(),
        };
        (self.storage, batch)
    }

    /// Whether octets of a response have been handed to the client, after which no other
    /// answer can be given.
    pub(super) fn has_begun(&self) -> bool {
        match &self.state {
            ResponseState::Head(_) => false,
            ResponseState::Interim(relay) | ResponseState::Final(relay, _) => relay.progress() > 0,
        }
    }

    /// Whether only the connection's end tells the client that its response is over.
    pub(super) fn ends_by_close(&self) -> bool {
        match &self.state {
            ResponseState::Head(_) | ResponseState::Interim(_) => false,
            ResponseState::Final(..) => {
                self.client_persistence == Persistence::Close(CloseReason::CloseDelimited)
            }
        }
    }

    /// Payload octets on their way to the client.
    pub(super) fn payload(&self) -> u64 {
        match &self.state {
            ResponseState::Head(_) | ResponseState::Interim(_) => 0,
            ResponseState::Final(relay, _) => relay.payload(),
        }
    }

    /// Whether the client may be holding its body back for a 100 that has not come.
    pub(super) fn awaits_continue(&self) -> bool {
        self.request.expects_continue && !self.continued && self.status.is_none()
    }

    /// After an interim response: the next head.
    pub(super) fn await_next_head(&mut self) {
        let state = std::mem::replace(&mut self.state, ResponseState::Head(HeadScan::default()));
        match state {
            ResponseState::Head(_) => {}
            ResponseState::Interim(relay) | ResponseState::Final(relay, _) => {
                self.batch = Some(relay.into_batch());
            }
        }
    }

    /// Reads the upstream until a head is whole, and puts what follows from it into
    /// `state`.
    pub(super) fn poll_head<S, U: AsyncRead + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        sides: &mut Sides<'_, S, U>,
        request_complete: bool,
    ) -> Poll<Result<(), Failure>> {
        let head_limits = HeadLimits::response(self.limits);
        loop {
            let ResponseState::Head(scan) = &mut self.state else {
                return Poll::Ready(Ok(()));
            };
            if !sides.service_buffer.unread().is_empty() {
                self.answered = true;
                let length = scan
                    .scan(sides.service_buffer.unread(), &head_limits)
                    .map_err(misbehaved)?;
                if let Some(length) = length {
                    self.take_head(length, sides.service_buffer, request_complete)?;
                    continue;
                }
            }
            match ready!(sides.service_buffer.poll_fill(context, sides.service)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => {
                    return Poll::Ready(Err(self.gone_in_head(sides.service_age)));
                }
            }
        }
    }

    fn gone_in_head(&self, age: UpstreamConnectionAge) -> Failure {
        if self.answered {
            Failure::UpstreamMisbehaved(UpstreamFault::Truncated)
        } else {
            Failure::UpstreamGone(age)
        }
    }

    fn take_head(
        &mut self,
        length: usize,
        buffer: &mut ReadBuffer,
        request_complete: bool,
    ) -> Result<(), Failure> {
        let mut storage = std::mem::take(&mut self.storage);
        storage
            .block
            .extend_from_slice(buffer.unread().get(..length).unwrap_or_default());
        buffer.consume(length);
        let head = ResponseHead::parse(storage).map_err(misbehaved)?;
        let framing = ResponseFraming::of(self.request.method, &head).map_err(misbehaved)?;
        if head.status().is_interim() && framing != ResponseFraming::Tunnel {
            self.take_interim(&head, buffer)?;
        } else {
            self.take_final(&head, framing, buffer, request_complete)?;
        }
        self.storage = head.into_storage();
        Ok(())
    }

    fn take_interim(&mut self, head: &ResponseHead, buffer: &ReadBuffer) -> Result<(), Failure> {
        self.interim_count += 1;
        self.continued |= head.status() == Status::CONTINUE;
        if self.interim_count > self.limits.interim_responses {
            return Err(Failure::UpstreamMisbehaved(UpstreamFault::InterimFlood));
        }
        // RFC 9110 §15.2: none to a 1.0 client.
        if self.request.version == Version::Http10 {
            self.state = ResponseState::Head(HeadScan::default());
            return Ok(());
        }
        let mut batch = self.batch.take().unwrap_or_default();
        let mut octets = std::mem::take(&mut batch.lead);
        octets.clear();
        ForwardedResponse::encode_interim(head, &self.request.references, &mut octets)
            .map_err(too_large)?;
        let relay = Relay::new(
            octets,
            BodyDecoder::Empty,
            BodyEncoding::Identity,
            batch,
            buffer,
        )
        .map_err(misbehaved)?;
        self.state = ResponseState::Interim(relay);
        Ok(())
    }

    fn take_final(
        &mut self,
        head: &ResponseHead,
        framing: ResponseFraming,
        buffer: &ReadBuffer,
        request_complete: bool,
    ) -> Result<(), Failure> {
        let kind = match framing {
            ResponseFraming::Tunnel => {
                self.check_switch(head)?;
                FinalHead::SwitchingProtocols
            }
            ResponseFraming::NoBody
            | ResponseFraming::ContentLength(_)
            | ResponseFraming::Chunked
            | ResponseFraming::CloseDelimited => FinalHead::Response,
        };
        let status = head.status().as_u16();
        // An upload that is refused half-way will not be read to its end, so the client
        // is told at once that its connection ends with this answer (RFC 9112 §9.6).
        let persistence = if status >= 400 && !request_complete {
            Persistence::Close(CloseReason::RequestUnfinished)
        } else {
            self.request.persistence
        };
        let mut batch = self.batch.take().unwrap_or_default();
        let octets = std::mem::take(&mut batch.lead);
        let response = ForwardedResponse::encode(
            &ResponseContext {
                head,
                framing,
                method: self.request.method,
                version: self.request.version,
                persistence,
                references: &self.request.references,
                date: &|| self.clock.http_date(),
            },
            octets,
        )
        .map_err(too_large)?;
        self.client_persistence = response.persistence();
        self.service_persistence = self.service_persistence_of(head, framing);
        let encoding = response.encoding();
        let decoder = BodyDecoder::for_response(framing, self.limits);
        let relay = Relay::new(response.into_octets(), decoder, encoding, batch, buffer)
            .map_err(misbehaved)?;
        self.status = Some(status);
        self.head_at = Some(Instant::now());
        self.state = ResponseState::Final(relay, kind);
        Ok(())
    }

    /// A service that answers an expectant request at once may not be going to read its
    /// body, and would take it for the next request.
    fn service_persistence_of(&self, head: &ResponseHead, framing: ResponseFraming) -> Persistence {
        if self.request.expects_continue && !self.continued {
            Persistence::Close(CloseReason::BodyUnawaited)
        } else {
            Persistence::of_response(head, framing)
        }
    }

    /// RFC 9110 §7.8: a server may switch only to a protocol that was asked for.
    fn check_switch(&self, head: &ResponseHead) -> Result<(), Failure> {
        let asked = self.request.upgrade.is_some_and(|asked| {
            let mut chosen = head.fields().all(FieldName::Upgrade);
            chosen
                .next()
                .is_some_and(|one| one.eq_ignore_ascii_case(asked))
                && chosen.next().is_none()
        });
        if asked {
            Ok(())
        } else {
            Err(Failure::UpstreamMisbehaved(UpstreamFault::UnaskedUpgrade))
        }
    }
}

fn too_large(limit: LimitReached) -> Failure {
    misbehaved(limit.into())
}

fn misbehaved(fault: Fault) -> Failure {
    Failure::UpstreamMisbehaved(UpstreamFault::Message(fault))
}
