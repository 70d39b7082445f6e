package redisstore

import "github.com/gomodule/redigo/redis"

// script is one that Redis runs, by its hash once it knows it.
type script struct{ source, hash string }

func newScript(source string) script {
	return script{source: source, hash: redis.NewScript(-1, source).Hash()}
}

// What is kept of an allowance is a text of two numbers: a moment in
// microseconds since 1970, and how long after it the allowance was whole again,
// in nanoseconds. Numbers in Lua are exact up to 2^53: that is the year 2255 for
// the one and 104 days for the other, beyond which nanoseconds are lost.
//
// The key goes when the allowance is whole: then it says nothing. By the time of
// the caller it stays a minute longer, since Redis cannot know when that is.

// reading is what both scripts begin with. debt returns how long it is until the
// allowance is whole, as gcra.since does: never less than nothing, and never
// more than whole, which only a clock set back or a limit made smaller can have
// left.
const reading = `
local now, slack = tonumber(ARGV[1]), 60000
if now == 0 then
  slack = 1
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local cost = tonumber(ARGV[2])
local function debt(value, whole)
  if not value then return 0, false end
  local at, left = string.match(value, '^(%d+) (%d+)$')
  if not at then return 0, true end
  local d = tonumber(left) - (now - tonumber(at)) * 1000
  if d > whole then return whole, true end
  return math.max(d, 0), false
end
local function keep(key, d)
  redis.call('SET', key, string.format('%.0f %.0f', now, d), 'PX', math.ceil(d / 1000000) + slack)
end
`

// take takes from every key, or from none: KEYS are the allowances, and ARGV
// the time (0 means that of Redis), the cost, and for each key the time in which
// one unit comes back and the time in which all do, in nanoseconds. The answer
// is whether it was taken, and for each key how late it is (0: in time) and how
// long until it is whole now, in nanoseconds.
var take = newScript(reading + `
local values = redis.call('MGET', unpack(KEYS))
local answer, taken, before, mended = {1}, true, {}, {}
for i = 1, #KEYS do
  local unit, whole = tonumber(ARGV[2 * i + 1]), tonumber(ARGV[2 * i + 2])
  before[i], mended[i] = debt(values[i], whole)
  local after = before[i] + cost * unit
  answer[2 * i], answer[2 * i + 1] = math.max(after - whole, 0), after
  taken = taken and after <= whole
end
if taken then
  for i = 1, #KEYS do keep(KEYS[i], answer[2 * i + 1]) end
  return answer
end
answer[1] = 0
for i = 1, #KEYS do
  answer[2 * i + 1] = before[i]
  if mended[i] then keep(KEYS[i], before[i]) end
end
return answer
`)

// refund gives cost units back to the one key; ARGV is as that of take.
var refund = newScript(reading + `
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local d = debt(value, tonumber(ARGV[4])) - cost * tonumber(ARGV[3])
if d <= 0 then redis.call('DEL', KEYS[1]) else keep(KEYS[1], d) end
return 1
`)
