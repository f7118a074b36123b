//! The engine.

pub mod access_log;
mod admin;
mod downstream;
mod engine;
pub use engine::{Engine, Listen, Setup, StartError};
mod error;
mod exchange;
pub mod forward;
pub mod health_check;
pub mod limits;
pub mod message;
mod metrics;
pub mod policy;
pub mod route;
pub mod upstream;
mod wire;
mod worker;

/// stub
pub mod config {
    /// x
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub enum LogLevel {
        Off,
        Error,
        Access,
        Debug,
    }
    /// x
    pub struct ProxyUrl;
    /// y
    impl ProxyUrl {
        /// x
        pub fn host(&self) -> &str {
            ""
        }
        /// x
        pub fn port(&self) -> u16 {
            0
        }
        /// x
        pub fn authorization(&self) -> Option<&crate::policy::Secret> {
            None
        }
    }
    /// x
    pub struct NoProxy;
    impl NoProxy {
        /// x
        pub fn matches(&self, _: &str, _: u16) -> bool {
            false
        }
    }
}
