-- Keeps a value, if the generations of its groups are those it was read in.
--
-- KEYS[1] is the value's key, KEYS[2] and on those of the generations.
-- ARGV[1] is the value, ARGV[2] its life and ARGV[3] that of its generations in milliseconds,
-- ARGV[4] and on are the generations.

for i = 2, #KEYS do
  if redis.call('GET', KEYS[i]) ~= ARGV[i + 2] then
    return 0
  end
end
-- A generation that ended before its values would empty them.
for i = 2, #KEYS do
  if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[3]) then
    redis.call('PEXPIRE', KEYS[i], ARGV[3])
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
