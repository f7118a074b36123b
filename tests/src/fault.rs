//! What may go wrong on a leg of an exchange, and where.

use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A delay: what follows is sent when the proxy has taken, and passed on, what came
    /// before.
    Split,
    /// FIN, and nothing is read any more.
    Truncate,
    /// A reset.
    Reset,
    /// FIN, and the other direction is read on.
    HalfClose,
    /// Nothing more comes, for longer than any deadline.
    Stall,
}

/// The deadlines of a proxy on which stalls are tried.
pub const STALL: Duration = Duration::from_millis(500);

/// One of the four ways of octets: who acts, and whose octets are counted until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// The client, at an octet of the request.
    FromClient,
    /// The client, as the reader of the answer.
    ToClient,
    /// The service, at an octet of the response.
    FromService,
    /// The service, as the reader of the request.
    ToService,
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The service.
    Service,
}

impl Leg {
    /// Whose octets are counted.
    pub fn counted(self) -> Side {
        match self {
            Leg::FromClient | Leg::ToService => Side::Client,
            Leg::FromService | Leg::ToClient => Side::Service,
        }
    }

    /// Who acts.
    pub fn actor(self) -> Side {
        match self {
            Leg::FromClient | Leg::ToClient => Side::Client,
            Leg::FromService | Leg::ToService => Side::Service,
        }
    }
}
