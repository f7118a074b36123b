//! What stands for a service where there is no socket. Built with the feature `pipes` alone.

use std::fmt::Debug;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::route::UpstreamUrl;

/// What stands for a service's socket, with or without TLS. A missing close_notify is a read
/// that fails, as it is with TLS.
pub trait UpstreamPipe: AsyncRead + AsyncWrite + Debug + Send + Unpin {}

impl<P: AsyncRead + AsyncWrite + Debug + Send + Unpin> UpstreamPipe for P {}

/// Stands for dialling: a pipe to this upstream, or why there is none.
pub type Dial = dyn Fn(&UpstreamUrl) -> io::Result<Box<dyn UpstreamPipe>> + Send + Sync;
