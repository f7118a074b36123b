//! Gitea's API, which is Forgejo's too: `/api/v1/repos/{owner}/{repo}/keys`.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::api_error::ApiError;
use super::client::{Answer, Client};
use super::limits::{PAGE_KEYS, PAGES};
use super::percent::encoded;
use super::provider::Provider;
use super::public_key::PublicKey;

/// The deploy keys of one repository.
pub(super) struct Gitea {
    client: Client,
    /// Below the forge's root.
    keys: String,
    listing: Duration,
}

#[derive(Serialize)]
struct NewKey<'a> {
    title: &'a str,
    key: String,
    read_only: bool,
}

#[derive(Deserialize)]
struct Registered {
    id: u64,
}

#[derive(Deserialize)]
struct Listed {
    id: u64,
    key: String,
}

impl Gitea {
    /// That of the repository `owner/repository`, whose keys are listed for at most `listing`.
    pub(super) fn at(
        client: Client,
        repository: &str,
        listing: Duration,
    ) -> Result<Gitea, &'static str> {
        let segments: Vec<&str> = repository.split('/').collect();
        let [owner, repository] = segments[..] else {
            return Err("the repository's path is not owner/repository, as this forge has them");
        };
        Ok(Gitea {
            client,
            keys: format!(
                "/api/v1/repos/{}/{}/keys",
                encoded(owner),
                encoded(repository)
            ),
            listing,
        })
    }
}

impl Provider for Gitea {
    fn reach(&self) -> Result<(), ApiError> {
        let answer = self.client.get(&format!("{}?page=1&limit=1", self.keys))?;
        match answer.status {
            200 => understood::<Vec<Listed>>(&answer).map(drop),
            _ => Err(answer.refusal()),
        }
    }

    fn register(&self, title: &str, key: &PublicKey) -> Result<u64, ApiError> {
        let new = NewKey {
            title,
            key: format!("{} {title}", key.as_str()),
            read_only: false,
        };
        let body = serde_json::to_vec(&new);
        let body = body.map_err(|error| ApiError::Lost(error.to_string()))?;
        let answer = self.client.post(&self.keys, body)?;
        match answer.status {
            201 => Ok(understood::<Registered>(&answer)?.id),
            _ => Err(answer.refusal()),
        }
    }

    fn find(&self, key: &PublicKey) -> Result<Vec<u64>, ApiError> {
        let latest = Instant::now() + self.listing;
        let mut found = Vec::new();
        for page in 1..=PAGES {
            let path = format!("{}?page={page}&limit={PAGE_KEYS}", self.keys);
            let answer = self.client.get(&path)?;
            if answer.status != 200 {
                return Err(answer.refusal());
            }
            let listed: Vec<Listed> = understood(&answer)?;
            // A forge may give fewer on a page than it was asked for: only none is the end.
            if listed.is_empty() {
                return Ok(found);
            }
            let same = |one: &&Listed| PublicKey::parse(&one.key).as_ref() == Some(key);
            found.extend(listed.iter().filter(same).map(|one| one.id));
            if Instant::now() >= latest {
                let text = format!(
                    "took more than {} s to list the keys",
                    self.listing.as_secs()
                );
                return Err(ApiError::Lost(text));
            }
        }
        let text = format!("lists more than {PAGES} pages of keys");
        Err(ApiError::Lost(text))
    }

    fn delete(&self, id: u64) -> Result<(), ApiError> {
        let answer = self.client.delete(&format!("{}/{id}", self.keys))?;
        match answer.status {
            204 | 404 => Ok(()),
            _ => Err(answer.refusal()),
        }
    }
}

fn understood<'a, T: Deserialize<'a>>(answer: &'a Answer) -> Result<T, ApiError> {
    serde_json::from_slice(&answer.body).map_err(|_unlike| {
        let status = answer.status;
        ApiError::Lost(format!(
            "answered with something else than its API has ({status})"
        ))
    })
}
