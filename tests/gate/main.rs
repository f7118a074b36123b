//! The git gate, whole: git's own client before it, a real `sshd` with bare repositories behind
//! it, the real scanner in it. Is what leaves scanned first, and what arrives fresh; does it
//! refuse what the policy forbids, and say why; does it fail closed; and does it withstand
//! clients that are many, odd, silent or dead?

mod at_once;
mod configuration;
mod fetches;
mod formats;
mod hosts;
mod limits;
mod policy;
mod pushes;
mod quiet;
mod raw;
mod scanner;
mod setting;
mod starts;
mod upstream_says;
