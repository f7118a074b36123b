//! What the black-box tests share: the real `cred-proxy` process, a scripted
//! upstream, a raw client, a throw-away authority.
//!
//! Plain threads and blocking sockets, so that a test reads from top to bottom as
//! the octets travel. Nothing sleeps in the hope that something has happened: every wait
//! is a wait for an event, under a guard that fails loudly ([`GUARD`]).
//!
//! ```no_run
//! use harness::{Peer, Proxy, Upstream};
//!
//! let upstream = Upstream::plain();
//! let proxy = Proxy::to(&upstream).start();
//! let mut client = proxy.client();
//! client.send("GET /api/x HTTP/1.1\r\nHost: proxy\r\n\r\n");
//! let mut service = upstream.accept();
//! let head = service.read_head();
//! service.send("HTTP/1.1 204 No Content\r\n\r\n");
//! assert_eq!(client.read_response("GET").status(), 204);
//! ```
//!
//! The targets, each with the question that it asks, stand in `docs/ARCHITECTURE.md`.
//!
//! Every [`Client`] reports what it received to its [`Proxy`], which fails the test
//! at the end if a token is in there or in the log: each test is a leak test too.

pub mod agent;
pub mod answer;
pub mod arena;
pub mod attempt;
pub mod authority;
pub mod bare_repository;
pub mod binary;
pub mod builder;
pub mod census;
pub mod chores;
pub mod client;
pub mod connect_proxy;
pub mod connection;
pub mod docker;
pub mod endpoint;
pub mod errand;
pub mod fault;
pub mod flag;
pub mod forge_api;
pub mod gate;
pub mod gated;
pub mod git_agent;
pub mod git_server;
pub mod gitleaks;
pub mod head;
pub mod inventory;
pub mod leak;
pub mod local;
pub mod model_server;
pub mod npm_registry;
pub mod origin;
mod pace;
pub mod pattern;
pub mod peer;
mod play;
mod probe;
pub mod process;
pub mod program;
pub mod proxy;
pub mod reading;
pub mod received;
pub mod recording;
pub mod require;
pub mod service;
pub mod sshd;
pub mod stage;
pub mod stand_in;
pub mod support;
pub mod tcp_state;
pub mod terminal;
pub mod test_programs;
pub mod trial;
pub mod turnstile;
pub mod upstream;
pub mod user;
mod verdict;
pub mod wiretap;

pub use authority::Authority;
pub use builder::Builder;
pub use client::Client;
pub use connection::Connection;
pub use head::{Head, Response};
pub use peer::{Ending, Peer};
pub use process::{Finished, GUARD};
pub use proxy::{Proxy, TOKEN};
pub use service::{Request, Service};
pub use upstream::Upstream;
