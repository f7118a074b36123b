//! Deploy keys: made for one bottle, registered at the forge when it starts, revoked when it ends.
//!
//! ```text
//! provision   reach the forge ─▶ ssh-keygen ─▶ intent, synced ─▶ register ─▶ id, synced
//! revoke      intent ─▶ no private key any more ─▶ id, or look for the public key ─▶ delete ─▶ no intent
//! ```
//!
//! A key that nobody revokes lets whoever has its private half write to the repository, so an
//! intent lies on disk before the forge hears of a key, and goes only once the forge is rid of
//! it. Whatever ended a start in between, [`DeployKeys::revoke`] finds the key.
//!
//! All of it blocks, for a bounded time, and asks nothing of the backend that calls it.

mod api_error;
mod client;
mod gitea;
mod intent;
mod keygen;
mod limits;
mod percent;
mod place;
mod provider;
mod proxy_setting;
mod public_key;
mod request;
mod sentences;
mod turn;

pub use limits::Limits;
pub use request::KeyRequest;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard};
use std::thread;
use std::time::Instant;

use crate::host::secret::Secret;
use api_error::ApiError;
use intent::{Intent, Intents};
use provider::Provider;
use turn::{Began, Turn};

/// Where a token is looked up by its variable's name: the token, or why there is none, to be
/// read behind the name.
pub type Tokens<'a> = &'a dyn Fn(&str) -> Result<Secret, String>;

/// The deploy keys of one bottle. Clones are of the same bottle: they wait for each other.
#[derive(Clone, Debug)]
pub struct DeployKeys {
    intents: Intents,
    limits: Limits,
    turn: Arc<Turn>,
}

/// A key that the forge knows now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvisionedKey {
    /// The repository's name at the gate.
    pub name: String,
    /// Its private half, readable by its owner alone.
    pub private_key: PathBuf,
}

/// A key that the forge knows, or may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingKey {
    /// The repository's name at the gate, as far as it can be read.
    pub name: String,
    /// The key, as a person at a terminal reads it.
    text: String,
}

impl fmt::Display for PendingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl DeployKeys {
    /// Those that are kept in `directory`, which need not be there.
    pub fn of(directory: &Path) -> DeployKeys {
        DeployKeys::within(directory, Limits::default())
    }

    /// The same, with other limits.
    pub fn within(directory: &Path, limits: Limits) -> DeployKeys {
        DeployKeys {
            intents: Intents::of(directory),
            limits,
            turn: Arc::default(),
        }
    }

    /// Makes a key for each request and registers it, all at once. Where one fails, none is
    /// left: those that are registered are revoked.
    ///
    /// # Errors
    ///
    /// What failed, then what could not be revoked and is [pending](DeployKeys::pending); a
    /// sentence each.
    pub fn provision(
        &self,
        slug: &str,
        requests: &[KeyRequest],
        tokens: Tokens<'_>,
    ) -> Result<Vec<ProvisionedKey>, Vec<String>> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let began = self.turn.begin();
        // Before anything is made: one that lacks its token would undo all others.
        let secrets = every(requests.iter().map(|request| {
            let place = &request.place;
            tokens(&place.token_env).map_err(|why| sentences::no_token(place, &why))
        }))?;
        let turn = self.turn_to_make(began, requests)?;
        let create = self.intents.create();
        create.map_err(|error| vec![self.intents.sentence(&error)])?;
        // Not to be waited for by who revokes: nothing is made meanwhile.
        drop(turn);
        // One that can't be reached has been asked for nothing, which a request that failed
        // does not tell.
        let reached = at_once(requests.iter().zip(secrets), |(request, secret)| {
            self.reach(request, &secret)
        });
        let providers = every(reached)?;
        let _turn = self.turn_to_make(began, requests)?;
        let made = at_once(requests.iter().zip(providers), |(request, provider)| {
            self.make(slug, request, &*provider, began)
        });
        every(made).map_err(|mut failures| {
            failures.extend(self.revoke_all(tokens));
            failures
        })
    }

    /// Revokes every key, all at once, after whatever another thread is still making: that
    /// goes no further than the call that it is at, and is not waited for before a forge has
    /// been asked for anything. No private half is left here then, whatever
    /// the forge says.
    ///
    /// What could not be revoked is told, a sentence each, and stays pending: empty means that
    /// all are gone.
    pub fn revoke(&self, tokens: Tokens<'_>) -> Vec<String> {
        let _turn = self.turn.demand();
        self.revoke_all(tokens)
    }

    fn revoke_all(&self, tokens: Tokens<'_>) -> Vec<String> {
        let mut failures = Vec::new();
        let mut known = Vec::new();
        for read in self.intents.all() {
            match read {
                Ok(intent) => match tokens(&intent.place.token_env) {
                    Ok(secret) => known.push((intent, secret)),
                    Err(why) => {
                        failures.extend(self.forget_private_half(&intent).err());
                        let file = self.intents.path(&intent.place.name);
                        let sentence = sentences::not_revoked_without_token(&intent, &file, &why);
                        failures.push(sentence);
                    }
                },
                Err(sentence) => failures.push(sentence),
            }
        }
        let revoked = at_once(known, |(intent, secret)| self.unmake(&intent, &secret));
        failures.extend(revoked.into_iter().filter_map(Result::err));
        failures
    }

    /// The keys that [`DeployKeys::revoke`] has to revoke still, without asking the forge.
    pub fn pending(&self) -> Vec<PendingKey> {
        let pending = self.intents.all().into_iter().map(|read| match read {
            Ok(intent) => PendingKey {
                text: sentences::pending(&intent),
                name: intent.place.name,
            },
            Err(sentence) => PendingKey {
                name: String::new(),
                text: sentence,
            },
        });
        pending.collect()
    }

    /// The turn, unless somebody has asked for the end since.
    fn turn_to_make(
        &self,
        began: Began,
        requests: &[KeyRequest],
    ) -> Result<MutexGuard<'_, ()>, Vec<String>> {
        let turn = self.turn.take();
        match self.turn.is_over(began) {
            false => Ok(turn),
            true => Err(requests
                .iter()
                .map(|request| sentences::given_up(&request.place))
                .collect()),
        }
    }

    fn reach(&self, request: &KeyRequest, secret: &Secret) -> Result<Box<dyn Provider>, String> {
        let place = &request.place;
        let provider = provider::of(place, secret, &self.limits);
        let provider = provider.map_err(|why| sentences::no_client(place, &why))?;
        let reached = provider.reach();
        reached.map_err(|error| sentences::not_registered(place, &error))?;
        Ok(provider)
    }

    fn make(
        &self,
        slug: &str,
        request: &KeyRequest,
        provider: &dyn Provider,
        began: Began,
    ) -> Result<ProvisionedKey, String> {
        let place = &request.place;
        let title = format!("bottle:{slug}:{}", place.name);
        let private_key = self.intents.private_key(&place.name);
        let public_key = keygen::make(&private_key, &title, self.limits.keygen)
            .map_err(|why| sentences::no_key(place, &why))?;
        let mut intent = Intent::new(slug, place, title, public_key);
        let write = |intent: &Intent| {
            let written = self.intents.write(intent);
            written.map_err(|error| self.intents.sentence(&error))
        };
        if self.turn.is_over(began) {
            self.forget(&intent)?;
            return Err(sentences::given_up(place));
        }
        write(&intent)?;
        match provider.register(&intent.title, &intent.public_key) {
            Ok(id) => {
                intent.id = Some(id);
                write(&intent)?;
                Ok(ProvisionedKey {
                    name: place.name.clone(),
                    private_key,
                })
            }
            Err(error) => {
                // Else the intent stays, for the revocation that follows.
                if !error.may_be_done() {
                    self.forget(&intent)?;
                }
                Err(sentences::not_registered(place, &error))
            }
        }
    }

    fn unmake(&self, intent: &Intent, secret: &Secret) -> Result<(), String> {
        // First: what the forge still knows then is a key that nobody has. Where it can't be
        // removed the revocation matters all the more; the last step tells of it.
        let _ = self.forget_private_half(intent);
        let file = self.intents.path(&intent.place.name);
        let provider = provider::of(&intent.place, secret, &self.limits);
        let provider =
            provider.map_err(|why| sentences::not_revoked_without_client(intent, &file, &why))?;
        let revoked = match intent.id {
            Some(id) => provider.delete(id),
            None => self.find_and_delete(&*provider, intent),
        };
        revoked.map_err(|error| sentences::not_revoked(intent, &file, &error))?;
        self.forget(intent)
    }

    /// Deletes the key by its public half. A request that was given up, or whose sender was
    /// killed, may be obeyed a moment later: it is looked for a while.
    fn find_and_delete(&self, provider: &dyn Provider, intent: &Intent) -> Result<(), ApiError> {
        let latest = Instant::now() + self.limits.settle;
        loop {
            let found = provider.find(&intent.public_key)?;
            for id in &found {
                provider.delete(*id)?;
            }
            if !found.is_empty() || Instant::now() >= latest {
                return Ok(());
            }
            thread::sleep(self.limits.look);
        }
    }

    fn forget_private_half(&self, intent: &Intent) -> Result<(), String> {
        let removed = self.intents.remove_private_key(&intent.place.name);
        removed.map_err(|error| self.intents.sentence(&error))
    }

    fn forget(&self, intent: &Intent) -> Result<(), String> {
        let removed = self.intents.remove(&intent.place.name);
        removed.map_err(|error| self.intents.sentence(&error))
    }
}

/// Does it to every item at the same time, and gives the results in the items' order. A forge
/// that does not answer costs a start or an end its limit once, not once for each repository.
fn at_once<I: Send, T: Send>(
    items: impl IntoIterator<Item = I>,
    work: impl Fn(I) -> T + Sync,
) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let started: Vec<_> = items
            .into_iter()
            .map(|item| scope.spawn(move || work(item)))
            .collect();
        let ended = started.into_iter().map(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.collect()
    })
}

/// All that succeeded, or all that failed.
fn every<T>(results: impl IntoIterator<Item = Result<T, String>>) -> Result<Vec<T>, Vec<String>> {
    let mut succeeded = Vec::new();
    let mut failed = Vec::new();
    for result in results {
        match result {
            Ok(value) => succeeded.push(value),
            Err(sentence) => failed.push(sentence),
        }
    }
    match failed.is_empty() {
        true => Ok(succeeded),
        false => Err(failed),
    }
}
