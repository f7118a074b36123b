//! As much of JSON Schema 2020-12 as our schema uses; another keyword fails the test, so that
//! the schema never says what nobody checked.

use regex::Regex;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::HashMap;

/// `docs/manifest.schema.json`.
pub(super) struct Schema {
    root: Value,
    patterns: RefCell<HashMap<String, Regex>>,
}

impl Schema {
    pub(super) fn read() -> Schema {
        let text = include_str!("../../../../docs/manifest.schema.json");
        Schema {
            root: serde_json::from_str(text).expect("the schema is JSON"),
            patterns: RefCell::default(),
        }
    }

    /// What describes a whole home manifest.
    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    /// `#/$defs/name`.
    pub(super) fn definition(&self, reference: &str) -> &Value {
        let pointer = reference.strip_prefix('#').expect("a place in this file");
        self.root.pointer(pointer).expect(reference)
    }

    /// Whether it takes a value.
    pub(super) fn takes(&self, schema: &Value, value: &Value) -> bool {
        if let Value::Bool(all) = schema {
            return *all;
        }
        let keywords = schema.as_object().expect("a schema");
        let mut all = keywords.iter();
        all.all(|(keyword, said)| self.keyword(keyword, said, keywords, value))
    }

    fn keyword(
        &self,
        keyword: &str,
        said: &Value,
        all: &Map<String, Value>,
        value: &Value,
    ) -> bool {
        match keyword {
            "$schema" | "title" | "description" | "default" | "$defs" | "then" => true,
            "$ref" => self.takes(self.definition(said.as_str().expect("a text")), value),
            "type" => is_of_type(said.as_str().expect("a text"), value),
            "const" => said == value,
            "enum" => said.as_array().expect("a list").contains(value),
            "not" => !self.takes(said, value),
            "allOf" => self.count(said, value) == said.as_array().map_or(0, Vec::len),
            "anyOf" => self.count(said, value) > 0,
            "oneOf" => self.count(said, value) == 1,
            "if" => !self.takes(said, value) || self.takes(&all["then"], value),
            "minimum" | "maximum" => value.as_f64().is_none_or(|value| {
                let bound = said.as_f64().expect("a number");
                if keyword == "minimum" {
                    value >= bound
                } else {
                    value <= bound
                }
            }),
            "pattern" | "minLength" | "maxLength" => value
                .as_str()
                .is_none_or(|text| self.of_text(keyword, said, text)),
            "minItems" | "maxItems" | "uniqueItems" | "items" | "prefixItems" => value
                .as_array()
                .is_none_or(|items| self.of_array(keyword, said, all, items)),
            _ => value
                .as_object()
                .is_none_or(|object| self.of_object(keyword, said, all, object)),
        }
    }

    fn count(&self, schemas: &Value, value: &Value) -> usize {
        let schemas = schemas.as_array().expect("a list of schemas").iter();
        schemas.filter(|schema| self.takes(schema, value)).count()
    }

    fn of_text(&self, keyword: &str, said: &Value, text: &str) -> bool {
        if keyword == "pattern" {
            let pattern = said.as_str().expect("a text");
            let mut patterns = self.patterns.borrow_mut();
            let regex = patterns
                .entry(pattern.to_owned())
                .or_insert_with(|| Regex::new(pattern).expect(pattern));
            return regex.is_match(text);
        }
        let length = text.chars().count();
        match keyword {
            "minLength" => length >= number(said),
            _ => length <= number(said),
        }
    }

    fn of_array(
        &self,
        keyword: &str,
        said: &Value,
        all: &Map<String, Value>,
        items: &[Value],
    ) -> bool {
        let first = all.get("prefixItems").and_then(Value::as_array);
        match keyword {
            "minItems" => items.len() >= number(said),
            "maxItems" => items.len() <= number(said),
            "uniqueItems" => !items
                .iter()
                .enumerate()
                .any(|(at, item)| items[..at].contains(item)),
            "prefixItems" => {
                let pairs = first.into_iter().flatten().zip(items);
                pairs
                    .into_iter()
                    .all(|(schema, item)| self.takes(schema, item))
            }
            _ => {
                let mut rest = items.iter().skip(first.map_or(0, Vec::len));
                rest.all(|item| self.takes(said, item))
            }
        }
    }

    fn of_object(
        &self,
        keyword: &str,
        said: &Value,
        all: &Map<String, Value>,
        object: &Map<String, Value>,
    ) -> bool {
        let has_all = |names: &Value| {
            let mut names = names.as_array().expect("a list").iter();
            names.all(|name| object.contains_key(name.as_str().expect("a name")))
        };
        let properties = all.get("properties").and_then(Value::as_object);
        match keyword {
            "minProperties" => object.len() >= number(said),
            "maxProperties" => object.len() <= number(said),
            "required" => has_all(said),
            "dependentRequired" => {
                let mut pairs = said.as_object().expect("an object").iter();
                pairs.all(|(name, others)| !object.contains_key(name) || has_all(others))
            }
            "propertyNames" => object
                .keys()
                .all(|name| self.takes(said, &Value::String(name.clone()))),
            "properties" => {
                let mut pairs = said.as_object().expect("an object").iter();
                pairs.all(|(name, schema)| {
                    object
                        .get(name)
                        .is_none_or(|value| self.takes(schema, value))
                })
            }
            "additionalProperties" => object.iter().all(|(name, value)| {
                properties.is_some_and(|known| known.contains_key(name)) || self.takes(said, value)
            }),
            _ => panic!("the schema says {keyword}, which this reader does not know"),
        }
    }
}

fn number(said: &Value) -> usize {
    let number = said.as_u64().expect("a whole number");
    usize::try_from(number).expect("a small number")
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => panic!("no type: {name}"),
    }
}
