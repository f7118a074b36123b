//! How a person is told what is wrong with a deploy key, and what to do.

use std::path::Path;

use super::api_error::ApiError;
use super::intent::Intent;
use super::place::Place;
use super::provider::page;

/// There is no token, so nothing is begun.
pub(super) fn no_token(place: &Place, why: &str) -> String {
    format!(
        "{}: its deploy key is registered with the token of {}, which {why}; set it, or give the repository an identity",
        place.key(),
        place.token_env
    )
}

/// There is no pair of keys.
pub(super) fn no_key(place: &Place, why: &str) -> String {
    format!("{}: no deploy key could be made: {why}", place.key())
}

/// Somebody asked for the end before it was made.
pub(super) fn given_up(place: &Place) -> String {
    no_key(place, "the start was given up")
}

/// The API can't be called at all.
pub(super) fn no_client(place: &Place, why: &str) -> String {
    format!("{}: {} can't be asked: {why}", place.key(), place.api_url)
}

/// The forge did not take a key.
pub(super) fn not_registered(place: &Place, error: &ApiError) -> String {
    let (why, what_to_do) = reason(place, error);
    format!(
        "{}: the deploy key could not be registered at {}: {why}; {what_to_do}",
        place.key(),
        page(place),
    )
}

/// The forge did not give a key up.
pub(super) fn not_revoked(intent: &Intent, file: &Path, error: &ApiError) -> String {
    let (why, what_to_do) = reason(&intent.place, error);
    still_there(intent, file, &why, &what_to_do)
}

/// The API can't be called at all to revoke.
pub(super) fn not_revoked_without_client(intent: &Intent, file: &Path, why: &str) -> String {
    let api_url = &intent.place.api_url;
    still_there(
        intent,
        file,
        &format!("{api_url} can't be asked: {why}"),
        "mend that",
    )
}

/// There is no token to revoke with.
pub(super) fn not_revoked_without_token(intent: &Intent, file: &Path, why: &str) -> String {
    let variable = &intent.place.token_env;
    still_there(
        intent,
        file,
        &format!("the token of {variable} {why}"),
        &format!("set {variable}"),
    )
}

fn still_there(intent: &Intent, file: &Path, why: &str, what_to_do: &str) -> String {
    format!(
        "{}, could not be revoked: {why}; {what_to_do}, then run `bottle cleanup` with {} set, or remove by hand the key and {}",
        pending(intent),
        intent.place.token_env,
        file.display()
    )
}

/// The key, and where it is.
pub(super) fn pending(intent: &Intent) -> String {
    let Intent {
        place, title, id, ..
    } = intent;
    let key = place.key();
    let page = page(place);
    match id {
        Some(id) => format!("{key}: deploy key {id} ({title}), registered at {page}"),
        None => format!("{key}: deploy key {title}, which may be registered at {page}"),
    }
}

/// What is wrong, and what to do about it.
fn reason(place: &Place, error: &ApiError) -> (String, String) {
    let Place {
        api_url,
        repository,
        token_env,
        ..
    } = place;
    let (status, words) = match error {
        ApiError::Lost(text) => {
            return (
                format!("{api_url} {text}"),
                "see that it works and that its address is right".to_owned(),
            );
        }
        ApiError::Refused(status, words) => (*status, words),
    };
    let (why, what_to_do) = match status {
        300..=399 => (
            format!("{api_url} points elsewhere, where no token is sent"),
            format!("write its present address into {}", place.key()),
        ),
        401 => (
            format!("{api_url} does not know the token of {token_env}"),
            format!("set {token_env} to one with the scope write:repository"),
        ),
        403 => (
            format!("the token of {token_env} may not do this"),
            format!(
                "give it the scope write:repository, and its owner the administration of {repository}"
            ),
        ),
        404 => (
            format!("there is no {repository}, or the token of {token_env} may not see it"),
            format!("mend {}.url, or the token", place.key()),
        ),
        422 => (
            format!("{api_url} does not take the key"),
            format!("look at {}", page(place)),
        ),
        429 => (
            format!("{api_url} was asked too often"),
            "wait a minute".to_owned(),
        ),
        500..=599 => (
            format!("{api_url} has failed"),
            "wait until it works again".to_owned(),
        ),
        _ => (
            format!("{api_url} answered with something else than its API has"),
            format!("see that {}.provisioned_key is right", place.key()),
        ),
    };
    let why = match words.as_str() {
        "" => format!("{why} ({status})"),
        words => format!("{why} ({status}: {words})"),
    };
    (why, what_to_do)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy_keys::public_key::PublicKey;

    const FILE: &str = "/s/app.intent.json";

    fn intent(id: Option<u64>) -> Intent {
        let place = Place {
            name: "app".to_owned(),
            provider: "gitea".to_owned(),
            api_url: "https://git.example.org".to_owned(),
            repository: "me/app".to_owned(),
            token_env: "GITEA_TOKEN".to_owned(),
        };
        let key = PublicKey::parse("ssh-ed25519 AAAA").expect("a key");
        let mut intent = Intent::new("a-22222", &place, "bottle:a-22222:app".to_owned(), key);
        intent.id = id;
        intent
    }

    #[test]
    fn every_failure_names_repository_page_and_what_to_do() {
        let refused = |status| ApiError::Refused(status, "its own words".to_owned());
        let place = intent(None).place;
        for (error, part) in [
            (
                refused(301),
                "points elsewhere, where no token is sent (301: its own words); write its present address into git_gate.repos.app",
            ),
            (
                refused(401),
                "does not know the token of GITEA_TOKEN (401: its own words); set GITEA_TOKEN to",
            ),
            (
                refused(403),
                "the token of GITEA_TOKEN may not do this (403: its own words); give it the scope write:repository",
            ),
            (
                refused(404),
                "there is no me/app, or the token of GITEA_TOKEN may not see it (404: its own words); mend git_gate.repos.app.url",
            ),
            (
                refused(422),
                "does not take the key (422: its own words); look at",
            ),
            (refused(429), "(429: its own words); wait a minute"),
            (refused(503), "has failed (503: its own words); wait"),
            (
                ApiError::Refused(418, String::new()),
                "than its API has (418); see that git_gate.repos.app.provisioned_key is right",
            ),
            (
                ApiError::Lost("gave no answer".to_owned()),
                "https://git.example.org gave no answer; see that",
            ),
        ] {
            let told = not_registered(&place, &error);
            let start = "git_gate.repos.app: the deploy key could not be registered at https://git.example.org/me/app/settings/keys: ";
            assert!(told.starts_with(start) && told.contains(part), "{told}");
            let told = not_revoked(&intent(Some(7)), Path::new(FILE), &error);
            let start = "git_gate.repos.app: deploy key 7 (bottle:a-22222:app), registered at https://git.example.org/me/app/settings/keys, could not be revoked: ";
            assert!(told.starts_with(start) && told.contains(part), "{told}");
            assert!(
                told.contains("`bottle cleanup` with GITEA_TOKEN set"),
                "{told}"
            );
        }
    }

    #[test]
    fn a_missing_token_is_told_with_its_variable_and_the_key() {
        assert_eq!(
            no_token(&intent(None).place, "is unset"),
            "git_gate.repos.app: its deploy key is registered with the token of GITEA_TOKEN, which is unset; set it, or give the repository an identity"
        );
        assert_eq!(
            not_revoked_without_token(&intent(Some(7)), Path::new(FILE), "is unset"),
            "git_gate.repos.app: deploy key 7 (bottle:a-22222:app), registered at https://git.example.org/me/app/settings/keys, could not be revoked: the token of GITEA_TOKEN is unset; set GITEA_TOKEN, then run `bottle cleanup` with GITEA_TOKEN set, or remove by hand the key and /s/app.intent.json"
        );
        let told = not_revoked_without_client(&intent(Some(7)), Path::new(FILE), "no reason");
        let parts = [
            "deploy key 7 (",
            "/me/app/settings/keys, could",
            "can't be asked: no reason; mend that, then run `bottle cleanup` with GITEA_TOKEN set",
        ];
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
        let told = not_revoked_without_token(&intent(None), Path::new(FILE), "is unset");
        assert!(
            told.contains("deploy key bottle:a-22222:app, which may be registered at"),
            "{told}"
        );
    }
}
