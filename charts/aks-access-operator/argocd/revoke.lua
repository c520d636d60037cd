-- Takes the access away and keeps the object. Stays so unless Git says something about `revoked`.
obj.spec.revoked = true
return obj
