/**
 * What the engine does in one step, in Lua: each script reads, checks and writes the keys of one space (spaces.ts) and
 * nothing else happens in between. The rules of collections run here, not there: a document is stored with what others
 * hear when it comes into sight and goes out of it, so that the engine can tell of all that goes with an owner.
 *
 * Keys of a space: `meta` (hash: counters and the clock), `docs:NAME` (hash: documents by id), `order:NAME` (ids that are
 * listed), `hidden:NAME` (ids that are hidden, the longest hidden first), `due` (id and collection, by moment), `owned` (owner, collection,
 * id), `feed` (stream). The first of them is named to the engine, which is enough in a cluster: all are in its slot.
 */
import { hash } from "node:crypto";

export interface Script {
  readonly text: string;
  /** By which the engine knows it once it has seen it. */
  readonly sha1: string;
}

export function script(...parts: readonly string[]): Script {
  const text = parts.join("\n");
  return { text, sha1: hash("sha1", text, "hex") };
}

/** Every script on a space begins with it. */
const space = `
local base = KEYS[1]
local meta, feed, owned, due = base .. ':meta', base .. ':feed', base .. ':owned', base .. ':due'
if redis.call('EXISTS', meta) == 0 then return redis.error_reply('GONE this space is not there') end
local function key(part, name) return base .. ':' .. part .. ':' .. name end
local VERSION, EXPIRES, OWNER, HIDDEN, APPEARS, VANISHES, VALUE = 1, 2, 3, 4, 5, 6, 7
local function read(name, id)
  local packed = redis.call('HGET', key('docs', name), id)
  return packed and cmsgpack.unpack(packed)
end
local function shown(id, doc)
  return {id, doc[VERSION], doc[EXPIRES], doc[OWNER], doc[HIDDEN], doc[VALUE]}
end
local function ofOwner(owner, name)
  local from = owner .. '\\0' .. (name and name .. '\\0' or '')
  return redis.call('ZRANGEBYLEX', owned, '[' .. from, '(' .. from:sub(1, -2) .. '\\1')
end
local function partsOf(member) return member:match('^.-%z(.-)%z(.*)$') end
`;

/** For scripts that ask who is in sight. Their first argument: the names of all collections. */
const sight = `
local names = ARGV[1]
local function isSeen(id)
  for name in names:gmatch('[^\\n]+') do
    local doc = read(name, id)
    if doc and doc[HIDDEN] == '' then return true end
  end
  return false
end
local function isOwnerSeen(doc) return doc[OWNER] == '' or isSeen(doc[OWNER]) end
`;

/** For scripts that change documents. Further arguments: how long the feed is kept, when it happens, who does it. */
const changing = `
local kept, at, by = ARGV[2], ARGV[3], ARGV[4]
local told
local function tell(event)
  if event == '' then return end
  local place = redis.call('HINCRBY', meta, 'events', 1)
  local ms = redis.call('HGET', meta, 'ms') or '0'
  if tonumber(at) > tonumber(ms) then
    ms = at
    redis.call('HSET', meta, 'ms', ms)
  end
  redis.call('XADD', feed, 'MAXLEN', '~', kept, place .. '-0', 'event', event, 'at', at, 'by', by, 'ms', ms)
  told = place
end
local function finish(reply)
  if told then redis.call('PUBLISH', feed, told) end
  return reply
end
local remove
local function removeOwned(owner, seen)
  for _, member in ipairs(ofOwner(owner)) do
    local name, id = partsOf(member)
    remove(name, id, seen)
  end
end
function remove(name, id, seen)
  local doc = read(name, id)
  if not doc then return end
  local wasSeen = seen and doc[HIDDEN] == ''
  local member = name .. '\\0' .. id
  redis.call('HDEL', key('docs', name), id)
  redis.call('ZREM', key('order', name), id)
  redis.call('ZREM', key('hidden', name), id)
  redis.call('ZREM', due, id .. '\\0' .. name)
  if doc[OWNER] ~= '' then redis.call('ZREM', owned, doc[OWNER] .. '\\0' .. member) end
  if wasSeen then tell(doc[VANISHES]) end
  removeOwned(id, wasSeen)
end
local function mirror(flag)
  if flag == '1' then redis.call('HINCRBY', meta, 'mirror', 1) end
end
`;

/** name, id → the document */
export const readScript = script(
  space,
  `
local doc = read(ARGV[1], ARGV[2])
return doc and shown(ARGV[2], doc)
`,
);

/**
 * …, name, id, the version that there has to be (empty: none), listed, tells, mirrored, maxHidden, expires, owner, hidden,
 * appears, vanishes, value, what is told if it was in sight and is.
 *
 * → 1 and the version written; or 0, and what there is instead; or 2 where the owner is gone
 */
export const writeScript = script(
  space,
  sight,
  changing,
  `
local name, id, expected, listed, tells, mirrored, maxHidden = unpack(ARGV, 5, 11)
local current = read(name, id)
if (current and current[VERSION] or '') ~= expected then return {0, current and shown(id, current)} end
local doc = {'', unpack(ARGV, 12, 17)}
local updates = ARGV[18]
if doc[OWNER] ~= '' then
  local there = false
  for other in names:gmatch('[^\\n]+') do
    if redis.call('HEXISTS', key('docs', other), doc[OWNER]) == 1 then there = true break end
  end
  if not there then return {2} end
end
doc[VERSION] = tostring(redis.call('HINCRBY', meta, 'version', 1))
redis.call('HSET', key('docs', name), id, cmsgpack.pack(doc))
local member = name .. '\\0' .. id
if current and current[OWNER] ~= doc[OWNER] and current[OWNER] ~= '' then
  redis.call('ZREM', owned, current[OWNER] .. '\\0' .. member)
end
if doc[OWNER] ~= '' then redis.call('ZADD', owned, 0, doc[OWNER] .. '\\0' .. member) end
if doc[EXPIRES] ~= '' then redis.call('ZADD', due, doc[EXPIRES], id .. '\\0' .. name)
elseif current and current[EXPIRES] ~= '' then redis.call('ZREM', due, id .. '\\0' .. name) end
local isShown = doc[HIDDEN] == ''
if not isShown then
  redis.call('ZREM', key('order', name), id)
  redis.call('ZADD', key('hidden', name), 'NX', doc[VERSION], id)
else
  if current and current[HIDDEN] ~= '' then redis.call('ZREM', key('hidden', name), id) end
  if listed == '1' then redis.call('ZADD', key('order', name), 0, id) end
end
mirror(mirrored)
if tells == '1' and isOwnerSeen(doc) then
  local wasShown = current and current[HIDDEN] == ''
  if wasShown and isShown then tell(updates)
  elseif isShown then tell(doc[APPEARS])
  elseif wasShown then tell(current[VANISHES]) end
  if current and wasShown ~= isShown then
    for _, it in ipairs(ofOwner(id)) do
      local itsName, itsId = partsOf(it)
      local its = read(itsName, itsId)
      if its[HIDDEN] == '' then tell(its[isShown and APPEARS or VANISHES]) end
    end
  end
end
if not isShown and maxHidden ~= '' and redis.call('ZCARD', key('hidden', name)) > tonumber(maxHidden) then
  remove(name, redis.call('ZRANGE', key('hidden', name), 0, 0)[1], false)
end
return finish({1, doc[VERSION]})
`,
);

/** …, name, id, mirrored, the version that there has to be → whether it was removed */
export const removeScript = script(
  space,
  sight,
  changing,
  `
local name, id, mirrored, expected = unpack(ARGV, 5, 8)
local doc = read(name, id)
if not doc or doc[VERSION] ~= expected then return 0 end
remove(name, id, isOwnerSeen(doc))
mirror(mirrored)
return finish(1)
`,
);

/** …, name, id, mirrored → what was there; with 1 it has been taken, with 0 its time is up and it is left to its rule */
export const takeScript = script(
  space,
  sight,
  changing,
  `
local name, id, mirrored = unpack(ARGV, 5, 7)
local doc = read(name, id)
if not doc then return false end
if doc[EXPIRES] ~= '' and tonumber(doc[EXPIRES]) <= tonumber(at) then return {0, shown(id, doc)} end
remove(name, id, isOwnerSeen(doc))
mirror(mirrored)
return finish({1, shown(id, doc)})
`,
);

/** …, owner */
export const removeOwnedScript = script(
  space,
  sight,
  changing,
  `
removeOwned(ARGV[5], isSeen(ARGV[5]))
return finish(1)
`,
);

/** names, name, first id, id beyond, limit → where the next page begins, if there may be one; the documents in sight */
export const listScript = script(
  space,
  sight,
  `
local name, from, to, limit = unpack(ARGV, 2, 5)
local ids = redis.call('ZRANGEBYLEX', key('order', name), from, to, 'LIMIT', 0, limit)
local docs = {}
for _, id in ipairs(ids) do
  local doc = read(name, id)
  if isOwnerSeen(doc) then docs[#docs + 1] = shown(id, doc) end
end
return {#ids == tonumber(limit) and ids[#ids] or false, docs}
`,
);

/** name, cursor → the next cursor, some documents; what is there all the time is among them at least once */
export const scanScript = script(
  space,
  `
local reply = redis.call('HSCAN', key('docs', ARGV[1]), ARGV[2], 'COUNT', 500)
local docs = {}
for index = 1, #reply[2], 2 do
  docs[#docs + 1] = shown(reply[2][index], cmsgpack.unpack(reply[2][index + 1]))
end
return {reply[1], docs}
`,
);

/** owner, name of the collection (empty: all) → for each its collection and the document */
export const ownedByScript = script(
  space,
  `
local found = {}
for _, member in ipairs(ofOwner(ARGV[1], ARGV[2] ~= '' and ARGV[2])) do
  local name, id = partsOf(member)
  found[#found + 1] = {name, shown(id, read(name, id))}
end
return found
`,
);

/** now, limit → the clock, when the next is due after that, and those that are due, the longest due first */
export const dueScript = script(
  space,
  `
local found = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
  local id, name = member:match('^(.-)%z(.*)$')
  found[#found + 1] = {name, shown(id, read(name, id))}
end
local next = redis.call('ZRANGEBYSCORE', due, '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
return {redis.call('HGET', meta, 'clock'), next[2] or false, found}
`,
);

/**
 * after which place (empty: from the end that comes first), limit, newest first, how many of the newest count → how many
 * events there have been, and the entries
 */
export const feedScript = script(
  space,
  `
local after, limit, newestFirst, counted = unpack(ARGV)
local events = redis.call('HGET', meta, 'events')
local oldest = math.max(events - counted, 0)
local command, from, to = 'XRANGE', '(' .. math.max(oldest, tonumber(after) or 0) .. '-0', '+'
if newestFirst == '1' then
  command, from, to = 'XREVRANGE', after == '' and '+' or '(' .. after .. '-0', '(' .. oldest .. '-0'
end
return {events, redis.call(command, feed, from, to, 'COUNT', limit)}
`,
);

/** the clock as it has to be, as it becomes → what it was: another one than expected, and nothing has changed */
export const clockScript = script(
  space,
  `
local was = redis.call('HGET', meta, 'clock')
if was == ARGV[1] then
  redis.call('HSET', meta, 'clock', ARGV[2])
  redis.call('PUBLISH', feed, 'clock')
end
return was
`,
);
