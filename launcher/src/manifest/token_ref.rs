//! Where a credential lies on the host. Equal ones share a slot.

use super::grammar;
use super::json::Json;
use super::key_names::TOKEN_REF;
use super::keys::{Keys, checked};
use super::problem::Report;
use crate::limits;

/// Where a credential lies on the host. Never its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenRef {
    /// The host's variable of this name.
    Variable(String),
    /// A file; `~/` at its beginning is the home.
    File(String),
    /// What this command writes to its standard output, run without a shell.
    Command(Vec<String>),
}

impl TokenRef {
    /// Reads one of its three forms.
    pub(super) fn read(path: &str, json: &Json, report: &mut Report) -> Option<TokenRef> {
        if matches!(json, Json::String(_)) {
            let variable = grammar::variable;
            let name = checked(path, json, limits::WORD_OCTETS, variable, report)?;
            return Some(TokenRef::Variable(name));
        }
        if !matches!(json, Json::Object(_)) {
            let forms = "write \"NAME\" of a variable, {\"file\": …} or {\"command\": [ … ]}";
            report.add(path, format_args!("is {}; {forms}", json.kind()));
            return None;
        }
        let mut keys = Keys::known(path.to_owned(), json, TOKEN_REF, report)?;
        let file = keys.string("file", grammar::path_on_host);
        let command = read_command(&mut keys);
        match (keys.has("file"), keys.has("command")) {
            (true, true) => {
                keys.own_problem("has both file and command; keep one");
                None
            }
            (false, false) => {
                keys.own_problem("says no place; write {\"file\": …} or {\"command\": [ … ]}");
                None
            }
            (true, false) => file.map(TokenRef::File),
            (false, true) => command.map(TokenRef::Command),
        }
    }

    /// The key `token_ref` of an object, which must be there.
    pub(super) fn required(keys: &mut Keys<'_, '_>) -> Option<TokenRef> {
        let what_to_write = "write where the token lies, like \"GH_PAT\" for a variable";
        keys.require("token_ref", what_to_write);
        TokenRef::of(keys, "token_ref")
    }

    /// The key of an object, if it is there.
    pub(super) fn of(keys: &mut Keys<'_, '_>, key: &str) -> Option<TokenRef> {
        let (path, json) = (keys.path_of(key), keys.get(key)?);
        TokenRef::read(&path, json, keys.report())
    }
}

/// A program and its arguments; an argument may be there twice.
fn read_command(keys: &mut Keys<'_, '_>) -> Option<Vec<String>> {
    let items = keys.array("command", limits::COMMAND_WORDS)?;
    let place = keys.path_of("command");
    let word = |text: &str| match text.chars().any(char::is_control) {
        true => Err("has a control character; write the word without it"),
        false => Ok(text.to_owned()),
    };
    let mut words = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{place}[{index}]");
        words.extend(checked(
            &path,
            item,
            limits::WORD_OCTETS,
            word,
            keys.report(),
        ));
    }
    if items
        .first()
        .is_none_or(|first| matches!(first, Json::String(text) if text.is_empty()))
    {
        keys.problem(
            "command",
            "names no program; write it like [\"gh\", \"auth\", \"token\"]",
        );
        return None;
    }
    (words.len() == items.len()).then_some(words)
}
