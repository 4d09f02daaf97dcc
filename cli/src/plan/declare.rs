//! Declaring in `ecomctl.yaml` what was found out, so that the same file gives the same manifests everywhere.

use crate::model::git_url::GitUrl;
use crate::model::parse::parse_spec;

/// Returns the text of a spec with `git.url` declared; all else stays as it is written. Nothing when ecomctl does not find
/// the place for it.
#[must_use]
pub fn with_git_url(file: &str, text: &str, url: &GitUrl) -> Option<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_key = |line: &&str, key: &str| {
        line.strip_prefix(key)
            .is_some_and(|rest| rest.split('#').next().unwrap_or_default().trim().is_empty())
    };
    let mut declared = String::new();
    if let Some(at) = lines.iter().position(|line| is_key(line, "git:")) {
        declared.extend(lines[..=at].iter().copied());
        declared.extend(["  url: ", url.as_str(), "\n"]);
        declared.extend(lines[at + 1..].iter().copied());
    } else {
        let at = lines.iter().position(|line| line.starts_with("services:")).unwrap_or(lines.len());
        declared.extend(lines[..at].iter().copied());
        declared.extend(["git:\n  url: ", url.as_str(), "\n\n"]);
        declared.extend(lines[at..].iter().copied());
    }
    let spec = parse_spec(file, declared.trim_start_matches('\u{feff}')).ok()?;
    (spec.git.url.as_ref() == Some(url)).then_some(declared)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(text: &str) -> Option<String> {
        with_git_url("ecomctl.yaml", text, &"https://example.com/you/shop.git".parse().unwrap())
    }

    #[test]
    fn comments_and_order_stay() {
        let services = "services:\n  shop: {port: 5003, path: /shop} # the shop\n";
        assert_eq!(
            declared(&format!("# mine\n{services}")).unwrap(),
            format!("# mine\ngit:\n  url: https://example.com/you/shop.git\n\n{services}")
        );
        assert_eq!(
            declared(&format!("git: # here\n  branch: live\n{services}")).unwrap(),
            format!("git: # here\n  url: https://example.com/you/shop.git\n  branch: live\n{services}")
        );
        assert_eq!(declared(&format!("git: {{branch: live}}\n{services}")), None);
    }
}
