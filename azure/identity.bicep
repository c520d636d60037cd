// An identity for the operator, and its trust in the operator's ServiceAccount.
targetScope = 'resourceGroup'

@description('Name of the identity.')
param name string = 'aks-access-operator'

@description('Region of the identity.')
param location string = resourceGroup().location

@description('Issuer of the management cluster: az aks show --query oidcIssuerProfile.issuerUrl.')
param issuer string

@description('Namespace of the operator.')
param namespace string = 'aks-access-system'

@description('ServiceAccount of the operator: the name of the Helm release, unless its values say otherwise.')
param serviceAccount string = 'aks-access-operator'

@description('Audience of the ServiceAccount token, as the workload identity webhook asks for it.')
param audience string = 'api://AzureADTokenExchange'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
}

resource federation 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = {
  parent: identity
  name: take('${namespace}-${serviceAccount}', 120)
  properties: {
    issuer: issuer
    subject: 'system:serviceaccount:${namespace}:${serviceAccount}'
    audiences: [
      audience
    ]
  }
}

output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
output tenantId string = identity.properties.tenantId
