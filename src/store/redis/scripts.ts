/**
 * What the Redis store decides, a Lua script a decision: Redis runs one at a time, whole or not at all.
 *
 * KEYS[1] is the tag of all keys, `{prefix}:`; a key that a script finds by what it reads stands under the same tag, and
 * so on the same node of a Cluster. What there is:
 *
 *     op:<id>          hash    the operation: `doc` (JSON) and, apart from it, what scripts decide by
 *     key:<digest>     hash    an idempotency key: fingerprint, operation, till
 *     hold:<vm>        string  the running mutation that holds the VM
 *     due              zset    running operations by the time of their next step
 *     running          hash    how many operations run, by kind
 *     all, vm:<vm>     zset    ids in order (score 0): the pages of lists
 *     ended            zset    `<id> <vm>` by end, of operations that no idempotency key keeps
 *     keys             zset    `<digest> <id> <vm>` by expiry
 *     replicas         zset    replicas by their last sign of life, on Redis's clock
 *     held:<replica>   set     ids whose step this replica makes
 *
 * Ended operations and idempotency keys also expire by themselves, a little later than the scripts stop to see them:
 * clocks differ. The sweep then finds only their places in the indexes.
 */

/** How much longer Redis keeps what expires than the gateway's clock says. */
const SLACK_MS = 60_000

const PRELUDE = `
local tag = KEYS[1]

local function redis_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- A command may lie in a stopped server or in a socket long after its sender gave up. What would then begin something
-- that nobody goes on with is refused.
local function is_late(deadline)
  return redis_ms() > tonumber(deadline)
end

local function read(id)
  local op = redis.call('HMGET', tag .. 'op:' .. id, 'rev', 'due', 'doc')
  return op[1] and op
end

local function tell(replica, id)
  redis.call('PUBLISH', tag .. 'changes', replica .. ' ' .. id)
end

local function unlist(id, vm)
  redis.call('ZREM', tag .. 'all', id)
  redis.call('ZREM', tag .. 'vm:' .. vm, id)
end

local function let_go(id, owner)
  if owner then redis.call('SREM', tag .. 'held:' .. owner, id) end
end

local function runs_no_more(kind)
  if redis.call('HINCRBY', tag .. 'running', kind, -1) <= 0 then redis.call('HDEL', tag .. 'running', kind) end
end

-- No idempotency key keeps this operation any longer.
local function unkeep(id, vm)
  local op = tag .. 'op:' .. id
  local was = redis.call('HMGET', op, 'status', 'finished')
  if not was[1] then return unlist(id, vm) end
  redis.call('HDEL', op, 'key', 'till')
  if was[1] ~= 'running' then redis.call('ZADD', tag .. 'ended', was[2], id .. ' ' .. vm) end
end

-- What a replica held is free now for whoever asks next.
local function free(replica, id, now)
  local op = tag .. 'op:' .. id
  local was = redis.call('HMGET', op, 'owner', 'status', 'due')
  if was[1] ~= replica then return end
  redis.call('HDEL', op, 'owner')
  if was[2] == 'running' and tonumber(was[3]) > tonumber(now) then
    redis.call('HSET', op, 'due', now)
    redis.call('ZADD', tag .. 'due', now, id)
  end
end
`

const START = `
local replica, deadline, now, id, rev, status, due, kind, vm, by, mutates, doc = unpack(ARGV, 1, 12)
local key, fingerprint, till = unpack(ARGV, 13, 15)
local op = tag .. 'op:' .. id

if is_late(deadline) then return {'late'} end
-- The same start again, because its answer was lost.
if redis.call('EXISTS', op) == 1 then return {'started'} end

if key ~= '' then
  local known = redis.call('HMGET', tag .. 'key:' .. key, 'fingerprint', 'operation', 'till')
  if known[1] and tonumber(known[3]) > tonumber(now) then
    if known[1] ~= fingerprint then return {'reused'} end
    local first = read(known[2])
    if first then return {'replay', unpack(first)} end
  end
end
if mutates == '1' then
  local holder = redis.call('GET', tag .. 'hold:' .. vm)
  holder = holder and read(holder)
  if holder then return {'busy', unpack(holder)} end
  redis.call('SET', tag .. 'hold:' .. vm, id)
end

redis.call('HSET', op, 'rev', rev, 'status', status, 'due', due, 'kind', kind, 'vm', vm, 'by', by,
  'mutates', mutates, 'owner', replica, 'doc', doc)
redis.call('ZADD', tag .. 'due', due, id)
redis.call('HINCRBY', tag .. 'running', kind, 1)
redis.call('ZADD', tag .. 'all', 0, id)
redis.call('ZADD', tag .. 'vm:' .. vm, 0, id)
redis.call('SADD', tag .. 'held:' .. replica, id)

if key ~= '' then
  -- The key may be an expired one, still in its place.
  local before = redis.call('HGET', tag .. 'key:' .. key, 'operation')
  if before then
    local before_vm = redis.call('HGET', tag .. 'op:' .. before, 'vm')
    if before_vm then
      redis.call('ZREM', tag .. 'keys', key .. ' ' .. before .. ' ' .. before_vm)
      unkeep(before, before_vm)
    end
  end
  redis.call('HSET', tag .. 'key:' .. key, 'fingerprint', fingerprint, 'operation', id, 'till', till)
  redis.call('PEXPIRE', tag .. 'key:' .. key, math.max(0, till - now) + ${SLACK_MS})
  redis.call('ZADD', tag .. 'keys', till, key .. ' ' .. id .. ' ' .. vm)
  redis.call('HSET', op, 'key', key, 'till', till)
end
tell(replica, id)
return {'started'}
`

const SAVE = `
local replica, write, id, rev, status, due, finished, doc, ttl = unpack(ARGV)
local op = tag .. 'op:' .. id
local was = redis.call('HMGET', op, 'rev', 'status', 'vm', 'owner', 'key', 'till', 'write', 'kind')

-- The same write again, because its answer was lost.
if was[7] == write then return 1 end
if was[2] ~= 'running' or tonumber(was[1]) ~= rev - 1 then return 0 end

local vm = was[3]
redis.call('HSET', op, 'rev', rev, 'status', status, 'due', due, 'finished', finished, 'write', write, 'doc', doc)
redis.call('HDEL', op, 'owner')
let_go(id, was[4])
if status == 'running' then
  redis.call('ZADD', tag .. 'due', due, id)
else
  redis.call('ZREM', tag .. 'due', id)
  runs_no_more(was[8])
  if redis.call('GET', tag .. 'hold:' .. vm) == id then redis.call('DEL', tag .. 'hold:' .. vm) end
  -- A replay may ask for it as long as its idempotency key lives.
  redis.call('PEXPIRE', op, math.max(ttl, (was[6] or 0) - finished) + ${SLACK_MS})
  if not was[5] then redis.call('ZADD', tag .. 'ended', finished, id .. ' ' .. vm) end
end
tell(replica, id)
return 1
`

const DISCARD = `
local replica, id, rev = unpack(ARGV)
local op = tag .. 'op:' .. id
local was = redis.call('HMGET', op, 'vm', 'owner', 'key', 'rev', 'status', 'kind')
local vm, owner, key = was[1], was[2], was[3]
if not vm or was[4] ~= rev then return 0 end
redis.call('DEL', op)
redis.call('ZREM', tag .. 'due', id)
if was[5] == 'running' then runs_no_more(was[6]) end
redis.call('ZREM', tag .. 'ended', id .. ' ' .. vm)
unlist(id, vm)
let_go(id, owner)
if redis.call('GET', tag .. 'hold:' .. vm) == id then redis.call('DEL', tag .. 'hold:' .. vm) end
if key then
  redis.call('DEL', tag .. 'key:' .. key)
  redis.call('ZREM', tag .. 'keys', key .. ' ' .. id .. ' ' .. vm)
end
tell(replica, id)
return 1
`

const CLAIM = `
local replica, claim, deadline, now, till, limit = unpack(ARGV)
if is_late(deadline) then return 0 end
local claimed = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', tag .. 'due', '-inf', now, 'LIMIT', 0, limit)) do
  local op = tag .. 'op:' .. id
  let_go(id, redis.call('HGET', op, 'owner'))
  redis.call('HINCRBY', op, 'rev', 1)
  redis.call('HSET', op, 'due', till, 'owner', replica, 'claim', claim)
  redis.call('ZADD', tag .. 'due', till, id)
  redis.call('SADD', tag .. 'held:' .. replica, id)
  for _, field in ipairs(read(id)) do table.insert(claimed, field) end
end
return claimed
`

/** Frees what this claim took: its answer was lost, so nobody makes those steps. */
const UNCLAIM = `
local replica, claim, now = unpack(ARGV)
for _, id in ipairs(redis.call('SMEMBERS', tag .. 'held:' .. replica)) do
  if redis.call('HGET', tag .. 'op:' .. id, 'claim') == claim then
    let_go(id, replica)
    free(replica, id, now)
  end
end
return 0
`

/** One piece of a page: looks at up to `chunk` operations, in the order of the list, and gives those that fit. */
const LIST = `
local before, chunk, want = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local only = cjson.decode(ARGV[4])
local function set_of(list)
  local set = {}
  for _, item in ipairs(list) do set[tostring(item)] = true end
  return set
end
local kinds, vms = set_of(only.kinds), only.vms and set_of(only.vms)

-- The newest of several indexes are among the newest of each.
local ids = {}
for i = 5, #ARGV do
  for _, id in ipairs(redis.call('ZREVRANGEBYLEX', tag .. ARGV[i], before, '-', 'LIMIT', 0, chunk)) do
    table.insert(ids, id)
  end
end
if #ARGV > 5 then table.sort(ids, function(a, b) return a > b end) end

local found, seen = {}, 0
while seen < math.min(#ids, chunk) and #found < want * 3 do
  seen = seen + 1
  local op = redis.call('HMGET', tag .. 'op:' .. ids[seen], 'kind', 'by', 'status', 'vm')
  if op[1] and (kinds[op[1]] or op[2] == only.by) and (not only.kind or op[1] == only.kind)
    and (not only.status or op[3] == only.status) and (not vms or vms[op[4]]) then
    for _, field in ipairs(read(ids[seen])) do table.insert(found, field) end
  end
end
return {seen, ids[seen] or '', (seen < #ids or #ids >= chunk) and 1 or 0, found}
`

const SWEEP = `
local now, ended_before, limit = unpack(ARGV)
local gone = 0
for _, member in ipairs(redis.call('ZRANGEBYSCORE', tag .. 'keys', '-inf', now, 'LIMIT', 0, limit)) do
  local key, id, vm = string.match(member, '^(%S+) (%S+) (%S+)$')
  redis.call('ZREM', tag .. 'keys', member)
  if redis.call('HGET', tag .. 'key:' .. key, 'operation') == id then redis.call('DEL', tag .. 'key:' .. key) end
  unkeep(id, vm)
  gone = gone + 1
end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', tag .. 'ended', '-inf', '(' .. ended_before, 'LIMIT', 0, limit)) do
  local id, vm = string.match(member, '^(%S+) (%S+)$')
  redis.call('ZREM', tag .. 'ended', member)
  redis.call('DEL', tag .. 'op:' .. id)
  unlist(id, vm)
  gone = gone + 1
end
return gone
`

/** A replica's sign of life. With \`silence\`, frees what replicas hold that were silent for so long. Gives Redis's clock. */
const BEAT = `
local replica, now, silence, limit = unpack(ARGV)
local redis_now = redis_ms()
redis.call('ZADD', tag .. 'replicas', redis_now, replica)
if silence ~= '' then
  for _, dead in ipairs(redis.call('ZRANGEBYSCORE', tag .. 'replicas', '-inf', redis_now - silence, 'LIMIT', 0, 1)) do
    local held = redis.call('SPOP', tag .. 'held:' .. dead, limit)
    for _, id in ipairs(held) do free(dead, id, now) end
    if #held < tonumber(limit) then redis.call('ZREM', tag .. 'replicas', dead) end
  end
end
return redis_now
`

const LEAVE = `
local replica, now = unpack(ARGV)
for _, id in ipairs(redis.call('SMEMBERS', tag .. 'held:' .. replica)) do free(replica, id, now) end
redis.call('DEL', tag .. 'held:' .. replica)
redis.call('ZREM', tag .. 'replicas', replica)
return 0
`

function script(lua: string): { lua: string; numberOfKeys: 1 } {
  return { lua: PRELUDE + lua, numberOfKeys: 1 }
}

/** By the names under which ioredis knows them. */
export const SCRIPTS = {
  opStart: script(START),
  opSave: script(SAVE),
  opDiscard: script(DISCARD),
  opClaim: script(CLAIM),
  opUnclaim: script(UNCLAIM),
  opList: script(LIST),
  opSweep: script(SWEEP),
  replicaBeat: script(BEAT),
  replicaLeave: script(LEAVE),
}
