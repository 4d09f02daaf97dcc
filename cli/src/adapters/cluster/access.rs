//! What the user may do.

use futures_util::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

use super::{AT_ONCE, Cluster, ClusterError};

/// Something that a user may or may not do
/// (<https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// The verb, such as `create`.
    pub verb: &'static str,
    /// The API group.
    pub group: &'static str,
    /// The resource, such as `deployments` or `pods/exec`.
    pub resource: &'static str,
    /// The namespace; nothing for all of the cluster.
    pub namespace: Option<&'static str>,
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dot = if self.group.is_empty() { "" } else { "." };
        write!(f, "{} {}{dot}{}", self.verb, self.resource, self.group)?;
        match self.namespace {
            Some(namespace) => write!(f, " in {namespace}"),
            None => Ok(()),
        }
    }
}

impl Cluster {
    /// Returns those of `rights` that the user has not.
    ///
    /// # Errors
    /// The cluster fails.
    pub async fn missing_rights(&self, rights: &[Right]) -> Result<Vec<Right>, ClusterError> {
        let asked = rights.iter().map(|right| async {
            let allowed = self.may(*right).await?;
            Ok((*right, allowed))
        });
        let asked: Vec<(Right, bool)> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        Ok(asked.into_iter().filter(|(_, allowed)| !allowed).map(|(right, _)| right).collect())
    }

    async fn may(&self, right: Right) -> Result<bool, ClusterError> {
        let (resource, subresource) = match right.resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (right.resource, None),
        };
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    verb: Some(right.verb.to_owned()),
                    group: Some(right.group.to_owned()),
                    resource: Some(resource.to_owned()),
                    subresource,
                    namespace: right.namespace.map(ToOwned::to_owned),
                    ..ResourceAttributes::default()
                }),
                non_resource_attributes: None,
            },
            ..SelfSubjectAccessReview::default()
        };
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let answer = self.ask("tell what you may do", api.create(&PostParams::default(), &review)).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}
