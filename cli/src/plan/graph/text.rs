//! The picture as text that other programs draw.

use std::fmt::Write;

use super::{Graph, Kind};

impl Graph {
    /// Returns the picture as Mermaid has it (<https://mermaid.js.org/syntax/flowchart.html>).
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        for node in &self.nodes {
            let (open, close) = match node.kind {
                Kind::Addon => ("[[", "]]"),
                Kind::Gateway => ("([", "])"),
                Kind::Service => ("[", "]"),
                Kind::Store => ("[(", ")]"),
            };
            let _ = writeln!(text, "  {}{open}\"{}\"{close}", node.id, node.lines.join("<br>"));
        }
        for edge in &self.edges {
            let label = edge.label.as_ref().map(|label| format!("|\"{label}\"|")).unwrap_or_default();
            let _ = writeln!(text, "  {} -->{label} {}", edge.from, edge.to);
        }
        text
    }

    /// Returns the picture in Graphviz's language (<https://graphviz.org/doc/info/lang.html>).
    #[must_use]
    pub fn dot(&self) -> String {
        let mut text = "digraph shop {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n".to_owned();
        for node in &self.nodes {
            let shape = match node.kind {
                Kind::Addon => "component",
                Kind::Gateway => "oval",
                Kind::Service => "box",
                Kind::Store => "cylinder",
            };
            let _ = writeln!(text, "  {} [shape={shape}, label=\"{}\"];", node.id, node.lines.join("\\n"));
        }
        for edge in &self.edges {
            let label = edge.label.as_ref().map(|label| format!(" [label=\"{label}\"]")).unwrap_or_default();
            let _ = writeln!(text, "  {} -> {}{label};", edge.from, edge.to);
        }
        text.push_str("}\n");
        text
    }
}
