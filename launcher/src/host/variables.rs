//! The values of the agent's variables.

use std::env;
use std::ffi::OsString;
use std::fs::File;

use super::ask::{self, AskError};
use crate::manifest::EnvValue;
use crate::plan::Variable;

/// The value of every variable, or what is wrong with each: those of the host are read, and
/// those to be asked for are asked for on the terminal. No value is in a sentence.
pub fn resolve(variables: &[Variable]) -> Result<Vec<(String, String)>, Vec<String>> {
    resolve_with(variables, &|name| env::var_os(name), &mut ask::terminal)
}

fn resolve_with(
    variables: &[Variable],
    environment: &dyn Fn(&str) -> Option<OsString>,
    open: &mut dyn FnMut() -> Result<File, AskError>,
) -> Result<Vec<(String, String)>, Vec<String>> {
    let mut values: Vec<(String, String)> = Vec::with_capacity(variables.len());
    let mut questions = Vec::new();
    let mut problems = Vec::new();
    for variable in variables {
        let name = &variable.name;
        let value = match &variable.value {
            EnvValue::Literal(text) => text.clone(),
            EnvValue::FromHost(source) => match environment(source).map(OsString::into_string) {
                Some(Ok(text)) => text,
                Some(Err(_octets)) => {
                    problems.push(format!("{source}, for the agent's {name}, is no UTF-8"));
                    continue;
                }
                None => {
                    problems.push(format!(
                        "{source} is unset on the host: set it, or take the agent's {name} out of the bottle's env"
                    ));
                    continue;
                }
            },
            EnvValue::Ask(text) => {
                let question = if text.is_empty() { name } else { text };
                questions.push((values.len(), name, question.as_str()));
                String::new()
            }
        };
        values.push((name.clone(), value));
    }
    // Nobody types a password for a start that cannot be.
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut terminal = None;
    for (at, name, question) in questions {
        let refused = |error: AskError| vec![format!("the agent's {name} {error}")];
        let terminal = match &terminal {
            Some(terminal) => terminal,
            None => terminal.insert(open().map_err(refused)?),
        };
        let answer = ask::ask(terminal, question).map_err(refused)?;
        values[at].1 = answer.to_string();
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, value: EnvValue) -> Variable {
        Variable {
            name: name.to_owned(),
            value,
            hidden: false,
        }
    }

    fn told(values: &[(&str, EnvValue)]) -> Result<Vec<(String, String)>, Vec<String>> {
        let variables: Vec<Variable> = values
            .iter()
            .map(|(name, value)| variable(name, value.clone()))
            .collect();
        let environment = |name: &str| match name {
            "SET" => Some(OsString::from("value")),
            "EMPTY" => Some(OsString::new()),
            "OCTETS" => Some(std::os::unix::ffi::OsStringExt::from_vec(vec![0xff])),
            _ => None,
        };
        resolve_with(&variables, &environment, &mut || Err(AskError::NoTerminal))
    }

    fn from(name: &str) -> EnvValue {
        EnvValue::FromHost(name.to_owned())
    }

    #[test]
    fn literals_and_the_hosts_are_resolved_in_order() {
        let literal = EnvValue::Literal("x y".to_owned());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            told(&[("B", literal), ("A", from("SET")), ("C", from("EMPTY"))]),
            Ok(vec![pair("B", "x y"), pair("A", "value"), pair("C", "")])
        );
    }

    #[test]
    fn all_that_is_wrong_is_told_before_anything_is_asked() {
        let ask = EnvValue::Ask("code".to_owned());
        assert_eq!(
            told(&[
                ("Q", ask.clone()),
                ("A", from("NONE")),
                ("B", from("OCTETS"))
            ]),
            Err(vec![
                "NONE is unset on the host: set it, or take the agent's A out of the bottle's env"
                    .to_owned(),
                "OCTETS, for the agent's B, is no UTF-8".to_owned(),
            ])
        );
        assert_eq!(
            told(&[("Q", ask)]),
            Err(vec![
                "the agent's Q is asked on the terminal, and there is none: start from a terminal, or write ${NAME} in the manifest".to_owned()
            ])
        );
    }
}
