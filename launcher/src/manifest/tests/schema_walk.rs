//! The schema and the parser say the same: of every key, and of every manifest whose rule a
//! schema can say.

use super::corpus::{FULL, GOOD, bad};
use super::schema::Schema;
use super::{Folder, load};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Rules that no schema can say, by what the parser says: something is looked for elsewhere in
/// the file, or counted, or decoded.
const BEYOND: [&str; 12] = [
    "is no bottle of the home manifest",
    "keep one",
    "keep it on one route",
    "is not owner/repository",
    "has bits behind its length",
    "has a host",
    "has an IPv6 address",
    "is no address block",
    "has a character in its path",
    "has an empty, `.` or `..` segment",
    "has an empty or dot segment",
    "a path with an empty or dot segment",
];

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn schema_and_parser_judge_the_corpus_alike() {
    let schema = Schema::read();
    for text in GOOD.into_iter().chain([FULL]) {
        assert!(schema.takes(schema.root(), &parsed(text)), "{text}");
    }
    for row in bad() {
        let Ok(value) = serde_json::from_str::<Value>(&row.text) else {
            assert!(row.is_beyond_schema, "no JSON: {}", row.line);
            continue;
        };
        let is_taken = schema.takes(schema.root(), &value);
        assert_eq!(is_taken, row.is_beyond_schema, "{}", row.line);
    }
}

/// The schemas of the objects that have a fixed set of keys, and where `value` has them.
fn fixed_objects(
    schema: &Schema,
    at: &Value,
    value: &Value,
    pointer: &str,
    found: &mut Vec<(String, BTreeSet<String>)>,
) {
    let Some(keywords) = at.as_object() else {
        return;
    };
    if let Some(reference) = keywords.get("$ref") {
        let reference = reference.as_str().expect("a text");
        fixed_objects(schema, schema.definition(reference), value, pointer, found);
    }
    for group in ["oneOf", "anyOf", "allOf"] {
        for one in keywords
            .get(group)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            fixed_objects(schema, one, value, pointer, found);
        }
    }
    match value {
        Value::Object(object) => {
            let properties = keywords.get("properties").and_then(Value::as_object);
            let additional = keywords.get("additionalProperties");
            if additional == Some(&json!(false)) {
                let names = properties
                    .into_iter()
                    .flat_map(|known| known.keys().cloned());
                found.push((pointer.to_owned(), names.collect()));
            }
            for (name, value) in object {
                let known = properties.and_then(|known| known.get(name));
                if let Some(inner) = known.or(additional) {
                    let below = format!("{pointer}/{name}");
                    fixed_objects(schema, inner, value, &below, found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(inner) = keywords.get("items") {
                    let below = format!("{pointer}/{index}");
                    fixed_objects(schema, inner, item, &below, found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The keys that the parser lists when it meets one that is none.
fn keys_of_parser(problems: &[String]) -> BTreeSet<String> {
    let mut lists = problems.iter().filter_map(|line| {
        let (_, list) = line.split_once(": is no key here; there are ")?;
        Some(list.split("; ").next().unwrap_or_default())
    });
    let list = lists.next().expect("a list of keys");
    assert_eq!(
        lists.next(),
        None,
        "one unknown key, one line: {problems:?}"
    );
    list.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_object_has_the_same_keys_in_schema_and_parser() {
    let schema = Schema::read();
    let full = parsed(FULL);
    let mut objects = Vec::new();
    fixed_objects(&schema, schema.root(), &full, "", &mut objects);
    assert!(objects.len() >= 24, "{} objects", objects.len());
    for (pointer, keys) in &objects {
        let mut text = full.clone();
        text.pointer_mut(pointer).expect(pointer)["qqqqqqqq"] = json!(1);
        let problems = load(&text.to_string()).expect_err(pointer);
        assert_eq!(&keys_of_parser(&problems), keys, "at {pointer:?}");
    }
    // Every set of the schema was met, and every key of it stands in the full example.
    let sets: BTreeSet<&BTreeSet<String>> = objects.iter().map(|(_, keys)| keys).collect();
    let mut of_schema = 0;
    let definitions = schema.root()["$defs"].as_object().expect("definitions");
    for (name, definition) in definitions.iter().filter(|(name, _)| *name != "repository") {
        if definition.get("additionalProperties") != Some(&json!(false)) {
            continue;
        }
        of_schema += 1;
        let properties = definition["properties"].as_object().expect("properties");
        let keys: BTreeSet<String> = properties.keys().cloned().collect();
        assert!(sets.contains(&keys), "{name} is not in the full example");
        for key in &keys {
            let is_there = |(pointer, set): &(String, BTreeSet<String>)| {
                *set == keys && full.pointer(pointer).is_some_and(|o| o.get(key).is_some())
            };
            assert!(
                objects.iter().any(is_there),
                "{name}.{key} is not in the full example"
            );
        }
    }
    assert_eq!(of_schema + 1, sets.len(), "and the file itself");
}

#[test]
fn a_repository_has_the_same_keys_in_schema_and_parser() {
    let schema = Schema::read();
    let definition = schema.definition("#/$defs/repository");
    let properties = definition["properties"].as_object().expect("properties");
    let problems = Folder::new()
        .load(None, Some(r#"{"qqqqqqqq": 1}"#), &[])
        .expect_err("unknown");
    let keys: BTreeSet<String> = properties.keys().cloned().collect();
    assert_eq!(keys_of_parser(&problems), keys);
    let right = parsed(
        r#"{"$schema": "", "agents": {"a": {"bottle": "b", "prompt": "p", "workdir": "copy"}}}"#,
    );
    assert!(schema.takes(definition, &right));
    assert!(!schema.takes(definition, &json!({"bottles": {}})));
}

/// Every place of a value, the value itself first.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(object) => {
            for (name, inner) in object {
                pointers(inner, &format!("{at}/{}", name.replace('/', "~1")), all);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                pointers(inner, &format!("{at}/{index}"), all);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The full example without what a place in it has nothing to do with.
fn around(full: &Value, place: &str) -> Value {
    let mut value = full.clone();
    let mut names = place.split('/').skip(1);
    let (first, name, section) = (names.next(), names.next(), names.next());
    let bottles = value["bottles"].as_object_mut().expect("bottles");
    match (first, name) {
        (Some("agents"), _) => bottles.values_mut().for_each(|bottle| *bottle = json!({})),
        (Some("bottles"), Some(name)) => {
            bottles.retain(|other, _| other == name);
            let sections = bottles[name].as_object_mut().expect("sections");
            sections.retain(|other, _| section.is_none_or(|section| section == other));
            value["agents"] = json!({});
        }
        _ => {}
    }
    value
}

/// Whether both judge alike; else who takes it.
fn judge(schema: &Schema, folder: &Folder, value: &Value) -> Result<bool, String> {
    let by_schema = schema.takes(schema.root(), value);
    match folder.load(Some(&value.to_string()), None, &[]) {
        Ok(_) if by_schema => Ok(true),
        Ok(_) => Err("the parser alone takes".to_owned()),
        Err(problems) => {
            let beyond = |line: &String| BEYOND.iter().any(|words| line.contains(words));
            match by_schema && !problems.iter().all(beyond) {
                true => Err(format!("in spite of {problems:?} the schema takes")),
                false => Ok(false),
            }
        }
    }
}

#[test]
fn schema_and_parser_judge_every_other_value_at_every_place_alike() {
    let schema = Schema::read();
    let full = parsed(FULL);
    let mut places = Vec::new();
    pointers(&full, "", &mut places);
    let others = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(8080),
        json!(""),
        json!("x"),
        json!("a b"),
        json!("/x/"),
        json!("~/x"),
        json!("https://x.example.org/"),
        json!("ssh://x/y/z"),
        json!("none"),
        json!("refs/x"),
        json!("\u{1b}"),
        json!([]),
        json!(["x"]),
        json!(["GET", "GET"]),
        json!({}),
        json!({"file": "/x"}),
        json!({"x": {}}),
    ];
    let folder = Folder::new();
    let mut judged = [0, 0];
    let mut different = Vec::new();
    let mut tell = |value: &Value, what: String| match judge(&schema, &folder, value) {
        Ok(taken) => judged[usize::from(taken)] += 1,
        Err(who) => different.push(format!("{who} {what}")),
    };
    for place in &places {
        let around = around(&full, place);
        for other in &others {
            let mut value = around.clone();
            *value.pointer_mut(place).expect(place) = other.clone();
            tell(&value, format!("{other} at {place}"));
        }
        // And nothing at all.
        let (parent, name) = place.rsplit_once('/').unwrap_or_default();
        let mut value = around;
        let removed = value.pointer_mut(parent).and_then(Value::as_object_mut);
        if removed.is_some_and(|object| object.remove(&name.replace("~1", "/")).is_some()) {
            tell(&value, format!("nothing at {place}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    let [refused, taken] = judged;
    assert!(
        taken > 200 && refused > 2000,
        "{taken} taken, {refused} refused"
    );
}

/// Octets that mean something somewhere.
const ODD: [&str; 18] = [
    "/", ".", "*", " ", "%", "\\", ";", "?", "#", "@", ":", "-", "~", "\"", "\n", "$", "A", "ä",
];

#[test]
fn schema_and_parser_judge_odd_characters_in_every_text_alike() {
    let schema = Schema::read();
    let folder = Folder::new();
    let full = parsed(FULL);
    let mut places = Vec::new();
    pointers(&full, "", &mut places);
    let mut judged = [0, 0];
    let mut different = Vec::new();
    for place in &places {
        let around = around(&full, place);
        let Some(text) = around.pointer(place).and_then(Value::as_str) else {
            continue;
        };
        let middle = text.char_indices().nth(text.chars().count() / 2);
        let cuts = [0, middle.map_or(0, |(at, _)| at), text.len()];
        for (odd, cut) in ODD.iter().flat_map(|odd| cuts.map(|cut| (odd, cut))) {
            let mut value = around.clone();
            let changed = format!("{}{odd}{}", &text[..cut], &text[cut..]);
            *value.pointer_mut(place).expect(place) = json!(changed);
            match judge(&schema, &folder, &value) {
                Ok(taken) => judged[usize::from(taken)] += 1,
                Err(who) => different.push(format!("{who} {changed:?} at {place}")),
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    let [refused, taken] = judged;
    assert!(
        taken > 1000 && refused > 1000,
        "{taken} taken, {refused} refused"
    );
}
