//! The labels that ecomctl finds its objects by
//! (<https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/>).

/// What an object is.
pub const NAME: &str = "app.kubernetes.io/name";
/// What it belongs to: a platform, or Argo CD.
pub const PART_OF: &str = "app.kubernetes.io/part-of";
/// Who has made it.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// That ecomctl has.
pub const ECOMCTL: &str = "ecomctl";
/// That it belongs to Argo CD.
pub const ARGOCD: &str = "argocd";

/// Returns the selector of what ecomctl has made.
#[must_use]
pub fn made() -> String {
    format!("{MANAGED_BY}={ECOMCTL}")
}

/// Returns the selector of what ecomctl has made of something.
#[must_use]
pub fn made_of(whole: &str) -> String {
    format!("{MANAGED_BY}={ECOMCTL},{PART_OF}={whole}")
}
