/** What the engine does in one step, in Lua, with where worlds are (spaces.ts); scripts.ts has what it does in a space. */
import { script } from "./scripts.ts";

/** For scripts on the record of a world: its key, from which those of its spaces begin. */
const record = `
local record = KEYS[1]
local making = record .. ':making'
local function metaOf(space) return record .. ':' .. space .. ':meta' end
local function retire(space)
  local base = record .. ':' .. space .. ':'
  local keys = {metaOf(space), base .. 'feed', base .. 'owned', base .. 'due'}
  for name in (redis.call('HGET', metaOf(space), 'names') or ''):gmatch('[^\\n]+') do
    for _, part in ipairs({'docs:', 'order:', 'hidden:'}) do keys[#keys + 1] = base .. part .. name end
  end
  redis.call('UNLINK', unpack(keys))
  redis.call('ZREM', making, space)
  redis.call('PUBLISH', base .. 'feed', 'gone')
end
`;

/** → the world's space with its clock, mirror, events and the world's settings; nothing where there is no such world */
export const syncScript = script(
  record,
  `
local space = redis.call('HGET', record, 'space')
if not space then return false end
local meta = redis.call('HMGET', metaOf(space), 'clock', 'mirror', 'events')
if not meta[1] then return false end
return {space, meta[1], meta[2], meta[3], redis.call('HGET', record, 'overrides')}
`,
);

/**
 * space, clock, names of all collections, now, how long a space may take to become a world's: makes one that is not yet,
 * and clears away those that took longer.
 */
export const makeSpaceScript = script(
  record,
  `
local longAgo = string.format('%.0f', ARGV[4] - ARGV[5])
for _, forgotten in ipairs(redis.call('ZRANGEBYSCORE', making, '-inf', longAgo)) do retire(forgotten) end
redis.call('ZADD', making, ARGV[4], ARGV[1])
redis.call('HSET', metaOf(ARGV[1]), 'clock', ARGV[2], 'names', ARGV[3], 'mirror', 0, 'events', 0)
return 1
`,
);

/** the space that the world has (empty: none), the one that it gets, settings → whether it was so; else the new one goes */
export const switchScript = script(
  record,
  `
local was = redis.call('HGET', record, 'space') or ''
if was ~= '' and redis.call('EXISTS', metaOf(was)) == 0 then was = '' end
if was ~= ARGV[1] then
  retire(ARGV[2])
  return 0
end
redis.call('HSET', record, 'space', ARGV[2], 'overrides', ARGV[3])
redis.call('ZREM', making, ARGV[2])
if was ~= '' then retire(was) end
return 1
`,
);

/** a space: it goes, and the world with it if it is the world's → whether it was */
export const retireScript = script(
  record,
  `
local isCurrent = redis.call('HGET', record, 'space') == ARGV[1]
if isCurrent then redis.call('DEL', record) end
retire(ARGV[1])
return isCurrent and 1 or 0
`,
);
