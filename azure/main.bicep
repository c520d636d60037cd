// Everything for one subscription but the roles: one identity, and its access to the clusters named.
targetScope = 'subscription'

@description('Resource group of the identity; it must exist.')
param identityGroup string

@description('Name of the identity.')
param identityName string = 'aks-access-operator'

@description('Issuer of the management cluster: az aks show --query oidcIssuerProfile.issuerUrl.')
param issuer string

@description('The clusters of this subscription: objects with their resource group and their name, as group and name.')
param clusters array

@description('GUID of the role for clusters: output clusterRole of roles.bicep.')
param clusterRole string

@description('GUID of the role for operations: output operationsRole of roles.bicep.')
param operationsRole string

@description('Whether the identity may read how operations on clusters of this subscription ended.')
param operations bool = true

module identity 'identity.bicep' = {
  name: 'aks-access-identity'
  scope: resourceGroup(identityGroup)
  params: {
    name: identityName
    issuer: issuer
  }
}

module access 'cluster-access.bicep' = [for each in clusters: {
  name: 'aks-access-${uniqueString(each.group, each.name)}'
  scope: resourceGroup(each.group)
  params: {
    cluster: each.name
    principalId: identity.outputs.principalId
    role: clusterRole
  }
}]

resource reading 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (operations) {
  name: guid(subscription().id, identityGroup, identityName, 'operations')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', operationsRole)
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
  }
}

output clientId string = identity.outputs.clientId
output principalId string = identity.outputs.principalId
output tenantId string = identity.outputs.tenantId
