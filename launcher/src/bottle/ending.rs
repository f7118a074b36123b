//! The end of a bottle, on every backend: how long it is waited for, and what it comes to.

use std::future::Future;
use std::pin::pin;

use super::state::State;
use super::{Failure, deploy_keys};
use crate::progress::Progress;
use crate::signals::Signals;

/// Waits for the removal of what a bottle was. A person in a hurry may leave it to `bottle
/// cleanup`, by asking twice: none.
pub(crate) async fn unless_hurried<T>(
    removal: impl Future<Output = T>,
    progress: &mut Progress,
    signals: &mut Signals,
) -> Option<T> {
    let mut removal = pin!(removal);
    let mut asked = false;
    loop {
        tokio::select! {
            biased;
            removed = &mut removal => return Some(removed),
            _sent = signals.next_end() => {
                if asked {
                    return None;
                }
                asked = true;
                progress.tell("the bottle is being removed; once more leaves it as it is");
            }
        }
    }
}

/// Tells what of a bottle is left, and what removes it.
pub(crate) fn tell_left(left: &[String], slug: &str, progress: &mut Progress) {
    for sentence in left {
        progress.tell(sentence);
    }
    if !left.is_empty() {
        progress.tell(&format!("remove the rest with: bottle cleanup {slug}"));
    }
}

/// What the life of a bottle comes to once it is gone. Where a key of it is not gone, this
/// failed, whatever the agent said; how it lived is told then, for it is not returned.
///
/// # Errors
///
/// Why it did not live, or that a key is left.
pub(crate) fn outcome(
    lived: Result<u8, Failure>,
    state: &State,
    slug: &str,
    progress: &mut Progress,
) -> Result<u8, Failure> {
    if deploy_keys::pending(state).is_empty() {
        return lived;
    }
    match lived {
        Err(failure @ (Failure::NotStarted(_) | Failure::WhileRunning(_))) => {
            progress.tell(&failure.to_string());
        }
        Ok(_) | Err(Failure::Signal(_)) => {}
    }
    Err(Failure::WhileRunning(format!(
        "a deploy key outlives its bottle: whoever has its private half may write; `bottle cleanup {slug}` tries again"
    )))
}
