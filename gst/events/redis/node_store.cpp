#include "events/redis/node_store.hpp"

#include <utility>

#include "events/lease_clock.hpp"
#include "events/redis/lease_store.hpp"

namespace campaign::events::redis {
namespace {

// KEYS: records, beats, the lease store's own (lease_store.hpp): a store whose nodes have been there for a
// while is not young when their first campaign comes. ARGV: id, record, milliseconds after which a record is
// cleared away. Answers all records.
constexpr std::string_view kBeatScript = R"lua(
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if redis.call('HGET', KEYS[3], 'run') ~= run then
  redis.call('HSET', KEYS[3], 'run', run, 'since', string.format('%.0f', now))
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[1])
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('(%.0f', now - tonumber(ARGV[3])),
                       'LIMIT', 0, 100)
for _, id in ipairs(old) do
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
return redis.call('HVALS', KEYS[1])
)lua";

constexpr std::string_view kLeaveScript = R"lua(
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
)lua";

constexpr const char* kKeptForMs = "60000";

const std::vector<std::string> kKeys = {"campaign:nodes", "campaign:beats", kStoreKey};

}  // namespace

void NodeStore::beat(const nodes::NodeRecord& record, Answer answer) {
  connection_.eval(kBeatScript, kKeys, {record.id, nodes::to_json(record), kKeptForMs},
                   [answer = std::move(answer), refused = refused_](const Reply& reply) {
                     if (!reply.ok()) {
                       answer(lease_clock(), Error("The nodes cannot be read from Redis.", reply.trouble()));
                       return;
                     }
                     std::vector<nodes::NodeRecord> records;
                     for (std::size_t i = 0; i < reply.size(); ++i) {
                       auto read = nodes::parse_node_record(reply[i].text().value_or(""));
                       if (read) {
                         records.push_back(std::move(*read));
                       } else {
                         ++*refused;
                       }
                     }
                     answer(lease_clock(), records);
                   });
}

void NodeStore::leave(const std::string& id) {
  connection_.eval(kLeaveScript, kKeys, {id}, [](const Reply&) {});
}

}  // namespace campaign::events::redis
