//! What leaves a mirror of the git gate for upstream, and what does not: real git pushes into a
//! mirror whose proc-receive hook is the real `bottle-gate`; upstream is a folder.

mod ci;
mod forwarding;
mod locked;
mod lost;
mod odd;
mod policy;
mod setting;
