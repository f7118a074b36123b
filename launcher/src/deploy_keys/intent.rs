//! What lies on disk of a key from before the forge hears of it until after the forge forgot it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::limits::INTENT_OCTETS;
use super::place::Place;
use super::public_key::PublicKey;
use crate::bounded::read_file;

const SUFFIX: &str = ".intent.json";

/// A key that the forge knows, or may know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intent {
    /// The bottle.
    pub(super) slug: String,
    /// Where.
    #[serde(flatten)]
    pub(super) place: Place,
    /// The key's title at the forge, and its comment.
    pub(super) title: String,
    /// Its public half.
    pub(super) public_key: PublicKey,
    /// Its number at the forge, once that has answered.
    pub(super) id: Option<u64>,
}

impl Intent {
    /// That of a key of which the forge knows nothing yet.
    pub(super) fn new(slug: &str, place: &Place, title: String, public_key: PublicKey) -> Intent {
        Intent {
            slug: slug.to_owned(),
            place: place.clone(),
            title,
            public_key,
            id: None,
        }
    }
}

/// The directory of a bottle's intents and private keys, each by its repository's name.
#[derive(Clone, Debug)]
pub(super) struct Intents {
    directory: PathBuf,
}

impl Intents {
    /// That at `directory`, which need not be there.
    pub(super) fn of(directory: &Path) -> Intents {
        Intents {
            directory: directory.to_owned(),
        }
    }

    /// Where the private half of a key is. A name has no dot, so it is no intent's.
    pub(super) fn private_key(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Where an intent is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}{SUFFIX}"))
    }

    /// Makes it, for its owner alone.
    pub(super) fn create(&self) -> io::Result<()> {
        let mut private = DirBuilder::new();
        private
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)?;
        // The bottle's state is as new as this: what lies in a directory whose own name was
        // lost is lost too.
        let above = self.directory.ancestors().take(3);
        above
            .filter(|path| !path.as_os_str().is_empty())
            .try_for_each(sync)
    }

    /// Writes an intent. It is on the disk, whole, when this returns.
    pub(super) fn write(&self, intent: &Intent) -> io::Result<()> {
        let path = self.path(&intent.place.name);
        let whole = path.with_extension("json.new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&whole)?;
        file.write_all(&serde_json::to_vec_pretty(intent)?)?;
        file.sync_all()?;
        fs::rename(&whole, &path)?;
        sync(&self.directory)
    }

    /// Every intent, or a sentence about one that can't be read, in the order of their names.
    pub(super) fn all(&self) -> Vec<Result<Intent, String>> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => return vec![Err(self.sentence(&error))],
        };
        let mut paths = Vec::new();
        let mut read = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => paths.push(entry.path()),
                Err(error) => read.push(Err(self.sentence(&error))),
            }
        }
        paths.retain(|path| path.as_os_str().as_bytes().ends_with(SUFFIX.as_bytes()));
        paths.sort();
        read.extend(paths.iter().map(|path| self.read(path)));
        read
    }

    fn read(&self, path: &Path) -> Result<Intent, String> {
        let intent = read_file(path, INTENT_OCTETS)
            .and_then(|octets| Ok(serde_json::from_slice::<Intent>(&octets)?));
        let shown = path.display();
        let what_to_do = "look for keys named `bottle:…` at the forge, remove those of this bottle, then this file";
        match intent {
            // Another name would lead out of the directory, or leave this file for ever.
            Ok(intent) if self.path(&intent.place.name) == path => Ok(intent),
            Ok(_) => Err(format!("{shown} is of another repository: {what_to_do}")),
            Err(error) => Err(format!("{shown} can't be read ({error}): {what_to_do}")),
        }
    }

    /// Removes the private half of a key. Gone already is success.
    pub(super) fn remove_private_key(&self, name: &str) -> io::Result<()> {
        remove(&self.private_key(name))
    }

    /// Removes all that there is of a key. Gone already is success.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        self.remove_private_key(name)?;
        remove(&self.path(name))?;
        sync(&self.directory)
    }

    /// An error of this directory, for a person.
    pub(super) fn sentence(&self, error: &io::Error) -> String {
        let directory = self.directory.display();
        format!("the deploy keys in {directory} can't be kept: {error}")
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn intent(name: &str) -> Intent {
        let place = Place {
            name: name.to_owned(),
            provider: "gitea".to_owned(),
            api_url: "https://git.example.org".to_owned(),
            repository: "me/app".to_owned(),
            token_env: "GITEA_TOKEN".to_owned(),
        };
        let key = PublicKey::parse("ssh-ed25519 AAAA").expect("a key");
        Intent::new("a-22222", &place, format!("bottle:a-22222:{name}"), key)
    }

    #[test]
    fn intents_are_private_written_again_and_removed() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = place.path().join("a-22222/deploy-keys");
        let intents = Intents::of(&directory);
        assert_eq!(intents.all(), []);
        intents.create().expect("made");
        intents.create().expect("made twice");
        let mut app = intent("app");
        for one in [&app, &intent("lib")] {
            intents.write(one).expect("written");
        }
        app.id = Some(7);
        intents.write(&app).expect("written again");
        assert_eq!(intents.all(), [Ok(app), Ok(intent("lib"))]);
        let mode = |path: &Path| {
            let facts = fs::metadata(path).expect("it is there");
            facts.permissions().mode() & 0o777
        };
        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(&intents.path("app")), 0o600);

        fs::write(intents.private_key("app"), "a key").expect("written");
        intents.remove("app").expect("removed");
        intents.remove("app").expect("removed twice");
        assert!(!intents.private_key("app").exists());
        assert_eq!(intents.all(), [Ok(intent("lib"))]);
    }

    #[test]
    fn an_intent_is_read_up_to_its_limit() {
        let place = tempfile::tempdir().expect("a directory");
        let intents = Intents::of(place.path());
        let app = intent("app");
        let mut text = serde_json::to_vec(&app).expect("JSON");
        text.resize(INTENT_OCTETS, b' ');
        fs::write(intents.path("app"), &text).expect("written");
        assert_eq!(intents.all(), [Ok(app)]);
        text.push(b' ');
        fs::write(intents.path("app"), &text).expect("written");
        let told = intents.all().remove(0).expect_err("one octet more");
        assert!(told.contains("it is longer than 65536 octets"), "{told}");
    }

    #[test]
    fn what_is_no_intent_is_told_and_what_was_half_written_is_none() {
        let place = tempfile::tempdir().expect("a directory");
        let intents = Intents::of(place.path());
        fs::write(place.path().join("app.intent.json.new"), "{").expect("written");
        assert_eq!(intents.all(), []);
        fs::write(place.path().join("app.intent.json"), "{").expect("written");
        let elsewhere = serde_json::to_vec(&intent("../../x")).expect("JSON");
        fs::write(place.path().join("lib.intent.json"), elsewhere).expect("written");
        let told: Vec<String> = intents.all().into_iter().filter_map(Result::err).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].contains("app.intent.json can't be read (EOF"),
            "{told:?}"
        );
        assert!(
            told[1].contains("lib.intent.json is of another"),
            "{told:?}"
        );
    }
}
