// Flux's own CRDs, for trying what the examples say to it; nothing here is compiled.
module aks-access-operator/sandbox/controlplane/flux

go 1.25.0

require (
	github.com/fluxcd/kustomize-controller v1.7.3
	github.com/fluxcd/source-controller v1.7.3
)
