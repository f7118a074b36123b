//! One route of the file: all its keys read and checked, its token not yet looked up.

use super::Problem;
use super::json::Json;
use super::route_keys::{self as grammar, KEYS, Keys};
use super::tokens::{TokenMissing, TokenPlace, TokenSource, is_variable_name};
use crate::policy::{BASIC_USER_DEFAULT, Credential, CredentialForm, DenyRule};
use crate::route::{Route, UpstreamUrl};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

const AUTHORIZATION: &str = "authorization";

/// A route without its token.
pub(super) struct Draft {
    index: usize,
    path: String,
    upstream: UpstreamUrl,
    field_name: String,
    form: CredentialForm,
    token: TokenPlace,
    methods: Option<Vec<String>>,
    deny: Vec<DenyRule>,
    strip_query: Vec<String>,
    upgrade: Vec<String>,
    accept_encoding: Option<String>,
    push_remotes: BTreeMap<String, String>,
}

impl Draft {
    /// Looks its token up. One that is missing makes a route that answers 500, and a warning.
    pub(super) fn into_route(self, tokens: &TokenSource, warnings: &mut Vec<Problem>) -> Route {
        let place = format!("routes[{}]", self.index);
        let token = tokens.token(&self.token);
        let name = &self.token;
        let rendered = match token {
            Ok(token) => Credential::render(&self.field_name, &self.form, &token)
                .map_err(|_unusable| format!("{name} has an octet outside visible ASCII")),
            Err(TokenMissing::Unset) => Err(format!("{name} is unset or empty")),
            Err(TokenMissing::Unreadable(error)) => Err(format!("{name} {error}")),
        };
        let credential = rendered.unwrap_or_else(|reason| {
            let text = format_args!("{reason}; the route answers 500 until there is a token");
            warnings.push(Problem::new(place, text));
            Credential::unset(&self.field_name, &name.to_string())
        });
        let route = Route::new(self.path, self.upstream, credential);
        Route {
            methods: self.methods.unwrap_or(route.methods),
            deny: self.deny,
            strip_query: self.strip_query,
            upgrade: self.upgrade,
            accept_encoding: self.accept_encoding,
            push_remotes: self.push_remotes,
            ..route
        }
    }
}

/// Reads the route at `index`; `first_with` holds the index of each path seen before it.
pub(super) fn read_route(
    index: usize,
    json: &Json,
    first_with: &mut HashMap<String, usize>,
    problems: &mut Vec<Problem>,
) -> Option<Draft> {
    let mut keys = Keys::of(format!("routes[{index}]"), json, Some(&KEYS), problems)?;
    // All are read before the first that is missing ends it, so that all are reported.
    let path = read_path(&mut keys, index, first_with);
    let upstream = read_upstream(&mut keys);
    let form = read_form(&mut keys);
    let token = read_token(&mut keys);
    let methods = keys.strings("methods", grammar::method);
    let rule = |text| {
        let example = "write it like \"DELETE /repos/*/*\"";
        DenyRule::parse(text).map_err(|error| format!("{error}; {example}"))
    };
    let deny = keys.strings("deny", rule);
    let strip_query = keys.strings("strip_query", grammar::query_name);
    let upgrade = keys.strings("upgrade", grammar::protocol);
    let accept_encoding = keys.string("accept_encoding", grammar::accept_encoding);
    let push_remotes = read_push_remotes(&mut keys);
    let (field_name, form) = form?;
    Some(Draft {
        index,
        path: path?,
        upstream: upstream?,
        field_name,
        form,
        token: token?,
        methods,
        deny: deny.unwrap_or_default(),
        strip_query: strip_query.unwrap_or_default(),
        upgrade: upgrade.unwrap_or_default(),
        accept_encoding,
        push_remotes,
    })
}

fn read_path(
    keys: &mut Keys<'_, '_>,
    index: usize,
    first_with: &mut HashMap<String, usize>,
) -> Option<String> {
    if !keys.has("path") {
        keys.problem(
            "path",
            "is missing; write the prefix that the agent calls, like \"/gh-api/\"",
        );
    }
    let path = keys.string("path", grammar::route_path)?;
    if let Some(first) = first_with.get(&path) {
        let text = format_args!("is the path of routes[{first}] too; each route needs its own");
        keys.problem("path", text);
    } else {
        first_with.insert(path.clone(), index);
    }
    Some(path)
}

fn read_upstream(keys: &mut Keys<'_, '_>) -> Option<UpstreamUrl> {
    let example = "write it like \"https://api.example.org\"";
    if !keys.has("upstream") {
        keys.problem("upstream", format_args!("is missing; {example}"));
    }
    let parse = |text| UpstreamUrl::parse(text).map_err(|error| format!("{error}; {example}"));
    keys.string("upstream", parse)
}

/// The field of the credential, and how the token is rendered there.
fn read_form(keys: &mut Keys<'_, '_>) -> Option<(String, CredentialForm)> {
    let field_name = match keys.has("auth_header") {
        true => keys.string("auth_header", grammar::credential_field),
        false => Some(AUTHORIZATION.to_owned()),
    };
    let scheme = keys.string("auth_scheme", grammar::scheme);
    let user = keys.string("auth_user", grammar::basic_user);

    let is_basic = scheme
        .as_ref()
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("Basic"));
    if keys.has("auth_user") && !is_basic {
        keys.problem(
            "auth_user",
            "is for \"auth_scheme\": \"Basic\"; write that, or leave the user out",
        );
    }
    let is_missing = !keys.has("auth_scheme") && field_name.as_deref() == Some(AUTHORIZATION);
    if is_missing {
        keys.problem(
            "auth_scheme",
            "is missing; write the word before the token, like \"Bearer\"",
        );
    }
    let form = match scheme {
        Some(_) if is_basic => CredentialForm::Basic {
            user: user.unwrap_or_else(|| BASIC_USER_DEFAULT.to_owned()),
        },
        Some(word) => CredentialForm::Scheme(word),
        None => CredentialForm::Bare,
    };
    Some((field_name?, form))
}

fn read_token(keys: &mut Keys<'_, '_>) -> Option<TokenPlace> {
    let variable = keys.string("token_env", |text| match is_variable_name(text) {
        true => Ok(TokenPlace::Variable(text.to_owned())),
        false => Err("must be the name of an environment variable, like \"CRED_PROXY_TOKEN_0\""),
    });
    let file = keys.string("token_file", |text| {
        match text.is_empty() || text.contains('\0') {
            true => Err("must be the path of a file, like \"/run/secrets/token\""),
            false => Ok(TokenPlace::File(PathBuf::from(text))),
        }
    });
    match (keys.has("token_env"), keys.has("token_file")) {
        (true, true) => keys.problem("token_file", "stands beside token_env; keep one of them"),
        (false, false) => {
            keys.problem(
                "token_env",
                "is missing; write the variable that holds the token, or token_file",
            );
        }
        (true, false) | (false, true) => {}
    }
    variable.or(file)
}

fn read_push_remotes(keys: &mut Keys<'_, '_>) -> BTreeMap<String, String> {
    let mut remotes = BTreeMap::new();
    let Some(mut keys) = keys.object("push_remotes") else {
        return remotes;
    };
    for (repository, _) in keys.pairs() {
        let remote = keys.string(repository, grammar::remote);
        match grammar::repository(repository) {
            Err(error) => keys.problem(repository, error),
            // The policy compares names so: two that are one there would be a guess.
            Ok(name) => match remotes.contains_key(&name) {
                true => keys.problem(repository, "is the repository of an earlier key; keep one"),
                false => {
                    remotes.insert(name, remote.unwrap_or_default());
                }
            },
        }
    }
    remotes
}
