// The custom roles of the operator's identity. Their names are unique in a tenant: deploy this to
// one subscription of it, and for another one there again, with a longer list.
// Made by `make generate` from roles.yaml.
targetScope = 'subscription'

@description('Every subscription in which the roles are assigned, as /subscriptions/ID.')
param assignableScopes array = [
  subscription().id
]

resource cluster 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, 'aks-access-operator', 'cluster')
  properties: {
    roleName: 'AKS access operator'
    description: 'Reads and writes AKS clusters, to keep their authorized IP ranges as ApiAccessGrants say.'
    type: 'CustomRole'
    assignableScopes: assignableScopes
    permissions: [
      {
        actions: [
          'Microsoft.ContainerService/managedClusters/read'
          'Microsoft.ContainerService/managedClusters/write'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
  }
}

resource operations 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, 'aks-access-operator', 'operations')
  properties: {
    roleName: 'AKS access operator, operations'
    description: 'Reads how operations on AKS clusters of a subscription ended.'
    type: 'CustomRole'
    assignableScopes: assignableScopes
    permissions: [
      {
        actions: [
          'Microsoft.ContainerService/locations/operations/read'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
  }
}

resource linked 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, 'aks-access-operator', 'linked')
  properties: {
    roleName: 'AKS access operator, linked resources'
    description: 'What a write of an AKS cluster needs on other resources that the cluster names.'
    type: 'CustomRole'
    assignableScopes: assignableScopes
    permissions: [
      {
        actions: [
          'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action'
          'Microsoft.OperationalInsights/workspaces/sharedkeys/read'
          'Microsoft.Network/virtualNetworks/subnets/join/action'
          'Microsoft.Network/publicIPAddresses/join/action'
          'Microsoft.Network/publicIPPrefixes/join/action'
          'Microsoft.Compute/diskEncryptionSets/read'
          'Microsoft.Compute/proximityPlacementGroups/write'
          'Microsoft.Network/applicationGateways/read'
          'Microsoft.Network/applicationGateways/write'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
  }
}

output clusterRole string = cluster.name
output operationsRole string = operations.name
output linkedRole string = linked.name
