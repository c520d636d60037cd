-- The buttons: `refresh` on every kind, `revoke` on a grant that is not closed yet.
local deleted = obj.metadata.deletionTimestamp ~= nil
local actions = {}
actions["refresh"] = {["disabled"] = deleted, ["displayName"] = "Look again now"}
if obj.kind == "ApiAccessGrant" then
  local closed = deleted or obj.spec.revoked == true
  if obj.status ~= nil and obj.status.conditions ~= nil then
    for _, condition in ipairs(obj.status.conditions) do
      if condition.type == "Ready" and condition.reason == "Expired" then
        closed = true
      end
    end
  end
  actions["revoke"] = {["disabled"] = closed, ["displayName"] = "Take the access away now"}
end
return actions
