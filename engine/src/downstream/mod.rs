//! Toward the agent: accepting connections, reading request heads, giving answers of our
//! own, closing so that the last of them is not lost.

mod client;
mod listener;
mod reply;

pub(crate) use client::{Client, ClientStream, HeadEnd};
pub(crate) use listener::{Admission, Listeners, accept};
pub(crate) use reply::{Reply, ReplyConnection, ReplyContext, ReplyFormat};
