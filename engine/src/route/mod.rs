//! Which origin a path leads to, or none. Pure: no socket, no clock, no file.
//!
//! The longest prefix wins, on the raw path: nothing is decoded for routing, so what
//! was routed is what is forwarded. What the path means once decoded is `policy`'s, which
//! refuses one that some service would read as a longer route's.

mod authority;
mod table;
mod upstream_url;

pub use authority::{Authority, AuthorityError};
pub use table::{DuplicatePath, METHODS_DEFAULT, PoolKey, Route, RouteTable};
pub use upstream_url::{Scheme, UpstreamUrl, UpstreamUrlError};
