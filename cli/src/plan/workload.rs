//! Whether a workload has become what it was told to be
//! (<https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#complete-deployment>).

use serde_json::Value;

/// Returns whether all pods of a workload are of its last generation, and available.
#[must_use]
pub fn is_ready(object: &Value) -> bool {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let is_seen = number("/status/observedGeneration") >= number("/metadata/generation");
    let is_settled = number("/status/replicas") == wanted && number("/status/updatedReplicas") == wanted;
    is_seen && is_settled && number("/status/availableReplicas") == wanted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pods_of_an_earlier_generation_do_not_count() {
        let deployment = |generation: i64, updated: i64| {
            json!({
                "metadata": {"generation": 2}, "spec": {"replicas": 2},
                "status": {"observedGeneration": generation, "replicas": 2, "updatedReplicas": updated, "availableReplicas": 2},
            })
        };
        assert!(is_ready(&deployment(2, 2)));
        assert!(!is_ready(&deployment(1, 2)));
        assert!(!is_ready(&deployment(2, 1)));
    }
}
