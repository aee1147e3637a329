-- Gives the generation of each group at KEYS, begun where there is none.
--
-- ARGV[1] is how long a new one lives in milliseconds, ARGV[2] and on are the new ones.

local generations = {}
for i, key in ipairs(KEYS) do
  local generation = redis.call('GET', key)
  if not generation then
    generation = ARGV[i + 1]
    redis.call('SET', key, generation, 'PX', ARGV[1])
  end
  generations[i] = generation
end
return generations
