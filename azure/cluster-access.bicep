// Lets an identity read and write one AKS cluster; deploy it to the cluster's resource group.
targetScope = 'resourceGroup'

@description('Name of the AKS cluster.')
param cluster string

@description('Object id of the identity (principalId), not its client id.')
param principalId string

@description('GUID of the role: output clusterRole of roles.bicep.')
param role string

resource managedCluster 'Microsoft.ContainerService/managedClusters@2025-10-01' existing = {
  name: cluster
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(managedCluster.id, principalId, role)
  scope: managedCluster
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
