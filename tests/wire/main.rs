//! The proxy through real sockets.
