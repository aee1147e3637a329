-- Takes one request by the generic cell rate algorithm.
--
-- KEYS[1] holds when, in microseconds by the clock of this server, all requests are left again.
-- ARGV[1] is the time in which one request is given back, ARGV[2] that in which all are.
-- Gives whether the request passes, and how far ahead of now the time at KEYS[1] is then.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local interval = tonumber(ARGV[1])
local all = tonumber(ARGV[2])

local full = tonumber(redis.call('GET', KEYS[1]) or '') or now
-- A clock that was set back makes nobody wait for longer than a full round.
full = math.max(now, math.min(full, now + all))

local next = full + interval
if next - now > all then
  return {0, full - now}
end
-- Written out, since a number becomes text with 14 digits otherwise.
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000))
return {1, next - now}
