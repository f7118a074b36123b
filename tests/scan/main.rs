//! Is a secret found wherever it hides in a push, and does nothing pass that was not scanned?
//!
//! A real git pushes to a mirror whose hook is the real `bottle-gate`, with the real scanner.
//! Each hiding place is one that some weaker scan looks past.

mod borders;
mod contents;
mod history;
mod large;
mod names;
mod scanner;
mod stage;
