//! `bootstrap` and what follows it, on a real Kubernetes with real Argo CD: the cluster of `KUBECONFIG`, with the program
//! of `TESTCLUSTER` that loads images into its node. There is no minikube: where one is needed, a program of its name does
//! the same to that cluster.

mod changes;
mod cluster;
mod failures;
mod interrupted;
mod manifests;
mod removed;
mod shop;
mod whole;
