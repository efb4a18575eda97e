-- Argo CD's judgement of a Backpressure policy. Holding load back is its work and no fault: Throttling
-- does not count. A policy that waits for its pools makes progress.
local verdict = {}
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local function is_true(condition)
  return condition ~= nil and condition.status == "True"
end
local function say(state, condition)
  verdict.status = state
  verdict.message = condition.reason .. ": " .. condition.message
end

if obj.metadata.deletionTimestamp ~= nil then
  verdict.status = "Progressing"
  verdict.message = "it is being deleted"
elseif (status.observedGeneration or -1) < (obj.metadata.generation or 1) or conditions.Ready == nil then
  verdict.status = "Progressing"
  verdict.message = "the operator has not seen this generation yet"
elseif is_true(conditions.Stalled) then
  say("Degraded", conditions.Stalled)
elseif is_true(conditions.Reconciling) then
  say("Progressing", conditions.Reconciling)
elseif is_true(conditions.Ready) then
  say("Healthy", conditions.Ready)
elseif conditions.Ready.reason == "TargetNotFound" or conditions.Ready.reason == "NoTargets" then
  say("Progressing", conditions.Ready)
else
  say("Degraded", conditions.Ready)
end
return verdict
