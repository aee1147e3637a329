-- Gives back one request that limiter.lua took.
--
-- KEYS[1] holds when, in microseconds by the clock of this server, all requests are left again.
-- ARGV[1] is the time in which one request is given back.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

local full = tonumber(redis.call('GET', KEYS[1]) or '')
if not full then
  return
end
local earlier = full - tonumber(ARGV[1])
if earlier <= now then
  redis.call('DEL', KEYS[1])
else
  -- Written out, since a number becomes text with 14 digits otherwise.
  redis.call('SET', KEYS[1], string.format('%.0f', earlier), 'PX', math.ceil((earlier - now) / 1000))
end
