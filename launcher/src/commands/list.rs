//! `bottle list`.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{block_on, docker_if_any, print, progress, state_root, table};
use crate::bottle::exit_code::NOT_STARTED;
use crate::bottle::{Bottle, Fate, LauncherId, survey};
use crate::plan::{GATE_HOST, PROXY_HOST};

/// Shows the bottles that run.
pub(super) fn run() -> u8 {
    block_on(async {
        match bottles().await {
            Ok(table) => {
                print(&table);
                0
            }
            Err(sentence) => {
                progress().tell(&sentence);
                NOT_STARTED
            }
        }
    })
}

async fn bottles() -> Result<String, String> {
    let docker = docker_if_any(&mut progress()).await;
    let own = LauncherId::own().map_err(|error| error.to_string())?;
    let all = survey(docker.as_ref(), &state_root()?, &own).await;
    let all = all.map_err(|failure| failure.to_string())?;
    let now = seconds(SystemTime::now());
    let head = ["SLUG", "AGENT", "AGE", "STATE", "CRED-PROXY", "GIT-GATE"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(all.bottles().iter().map(|bottle| row(bottle, now)));
    Ok(table::lines(&rows))
}

fn row(bottle: &Bottle, now: i64) -> [String; 6] {
    let created = bottle
        .objects
        .iter()
        .filter_map(|object| object.created)
        .chain(bottle.local_since.map(seconds))
        .min();
    let age = created.map_or_else(|| "-".to_owned(), |created| age(now - created));
    let state = match bottle.fate {
        Fate::Runs if bottle.container("agent").is_some() => "running".to_owned(),
        Fate::Runs if bottle.local_since.is_some() => "running, local".to_owned(),
        Fate::Runs => "starting".to_owned(),
        Fate::Gone => format!("left behind; bottle cleanup {}", bottle.slug),
        Fate::Elsewhere => "of another machine".to_owned(),
    };
    [
        bottle.slug.clone(),
        bottle.agent.clone(),
        age,
        state,
        sidecar(bottle, PROXY_HOST, bottle.local_engine),
        sidecar(bottle, GATE_HOST, bottle.local_gate),
    ]
}

/// How a sidecar is; `local`: whether that of a local bottle runs.
fn sidecar(bottle: &Bottle, name: &str, local: Option<Fate>) -> String {
    let container = bottle.container(name);
    let local = local.map(|fate| match fate {
        Fate::Runs => "up",
        Fate::Gone => "ended",
        Fate::Elsewhere => "-",
    });
    let health = container.map(|sidecar| health(&sidecar.status)).or(local);
    health.unwrap_or("-").to_owned()
}

/// Since 1970, as Docker counts.
fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// Docker's `Up 3 minutes (healthy)` in one word.
fn health(status: &str) -> &str {
    match status.split_once('(') {
        Some((up, _)) if !up.starts_with("Up") => "ended",
        Some((_, rest)) => rest.trim_end_matches(')').trim_start_matches("health: "),
        None if status.starts_with("Up") => "up",
        None => "ended",
    }
}

fn age(seconds: i64) -> String {
    match seconds.max(0) {
        s @ ..60 => format!("{s}s"),
        s @ ..3600 => format!("{}m", s / 60),
        s @ ..86400 => format!("{}h{:02}m", s / 3600, s % 3600 / 60),
        s => format!("{}d{:02}h", s / 86400, s % 86400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_health_are_short() {
        assert_eq!(
            [5, 125, 7260, 90000].map(age),
            ["5s", "2m", "2h01m", "1d01h"]
        );
        let words = [
            ("Up 3 minutes (healthy)", "healthy"),
            ("Up 1 second (health: starting)", "starting"),
            ("Up 1 second", "up"),
            ("Exited (137) 3 seconds ago", "ended"),
            ("Created", "ended"),
        ];
        for (status, word) in words {
            assert_eq!(health(status), word, "{status}");
        }
    }
}
