//! Who is measured.

/// A proxy, or none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Peer {
    /// The product.
    CredProxy,
    /// tokio's `copy_bidirectional` on two sockets: the floor without understanding.
    Relay,
    /// From PATH.
    Nginx,
    /// From PATH.
    Haproxy,
    /// hyper 1, server and pooled client.
    Hyper,
    /// No proxy: the client talks to the origin.
    Direct,
}

impl Peer {
    /// All of them, in the order of the table.
    pub const ALL: [Peer; 6] = [
        Peer::CredProxy,
        Peer::Relay,
        Peer::Nginx,
        Peer::Haproxy,
        Peer::Hyper,
        Peer::Direct,
    ];

    /// All that are proxies.
    pub const PROXIES: [Peer; 5] = [
        Peer::CredProxy,
        Peer::Relay,
        Peer::Nginx,
        Peer::Haproxy,
        Peer::Hyper,
    ];

    /// Those that speak TLS to the origin: the relay cannot, and hyper has none of its own.
    pub const WITH_TLS: [Peer; 3] = [Peer::CredProxy, Peer::Nginx, Peer::Haproxy];

    /// As the table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Peer::CredProxy => "cred-proxy",
            Peer::Relay => "relay",
            Peer::Nginx => "nginx",
            Peer::Haproxy => "haproxy",
            Peer::Hyper => "hyper",
            Peer::Direct => "direct",
        }
    }
}
