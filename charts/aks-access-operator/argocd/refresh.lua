-- Asks for a reconciliation now. status.lastHandledReconcileAt says when it was done.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["reconcile.aksaccess.dev/requestedAt"] = os.date("!%Y-%m-%dT%H:%M:%SZ")
return obj
