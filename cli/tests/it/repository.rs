//! What this repository commits is what its own `ecomctl` makes.

use std::fs;

use crate::context::{TestContext, repository};

#[test]
fn the_schema_is_current() {
    let printed = TestContext::empty().output(&["schema"]);
    let committed = fs::read(repository().join("docs/ecomctl.schema.json")).unwrap();
    assert!(printed.stdout == committed, "run `cargo run -- schema > docs/ecomctl.schema.json`");
}

#[test]
fn every_field_of_the_schema_has_a_description() {
    let schema = fs::read(repository().join("docs/ecomctl.schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
    let objects = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    let mut fields = 0;
    for (name, field) in objects.filter_map(|object| object["properties"].as_object()).flatten() {
        assert!(field["description"].is_string(), "{name} has none");
        fields += 1;
    }
    assert!(fields >= 20, "only {fields} fields were looked at");
}

#[test]
fn the_picture_in_the_readme_is_current() {
    let directory = repository().display().to_string();
    let drawn = TestContext::empty().output(&["-C", &directory, "graph"]);
    let drawn = format!("```mermaid\n{}```\n", String::from_utf8(drawn.stdout).unwrap());
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    assert!(readme.contains(&drawn), "put this into README.md:\n{drawn}");
}

#[test]
fn the_manifests_are_current() {
    let directory = repository().display().to_string();
    let output = TestContext::empty().output(&["-C", &directory, "render", "--check"]);
    assert_eq!(output.status.code(), Some(0), "run `cargo run -- render`");
}
